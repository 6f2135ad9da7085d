import Foundation
import Testing
import WitanJSON

extension ProcessTests {
    @Suite struct RefusalTests {
        // MARK: The data folder

        @Test("A data folder has one server, and a second one names the process that has it")
        func folderInUse() async throws {
            let folder = try TemporaryFolder()
            let ended = try await ServerProcess.run(folder.data) { server in
                for arguments in [
                    ["serve", "--port", "0"], ["init", "--organization", "b", "--email", "b@example.com"],
                ] {
                    try await Command.witan(arguments + ["--data", folder.data])
                        .expectRefusal("in use by process \(server.processID)")
                }
                #expect(try await server.client(key: try server.printedKey()).loginStatus() == 200)
            }
            #expect(ended.end == .code(0))
        }

        @Test(
            "A folder that cannot be made or written is refused",
            arguments: ["/proc/witan", "/proc", "file", "file/data"]
        )
        func unusableFolder(name: String) async throws {
            let folder = try TemporaryFolder()
            try folder.write("", to: "file")
            let data = name.hasPrefix("/") ? name : folder.path(name)
            try await Command.witan("serve", "--port", "0", "--data", data).expectRefusal(data)
            #expect(try names(in: folder.path) == ["file"])
        }

        @Test(
            "A read-only disk is refused, for an empty folder and for one in use before",
            .enabled("needs the right to mount") { try await Mount.isPermitted() },
            arguments: [true, false]
        )
        func readOnlyDisk(isEmpty: Bool) async throws {
            let folder = try TemporaryFolder()
            try FileManager.default.createDirectory(atPath: folder.data, withIntermediateDirectories: true)
            if !isEmpty { _ = try await folder.initialize() }
            let before = try names(in: folder.data)
            try await Mount.readOnly(folder.data) {
                try await Command.witan("serve", "--port", "0", "--data", folder.data)
                    .expectRefusal("Read-only", folder.data)
            }
            #expect(try names(in: folder.data) == before)
        }

        // MARK: The database

        @Test("A file that is no database is refused and left as it is")
        func foreignFile() async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            let foreign = String(repeating: "This is no database.", count: 1_000)
            try folder.write(foreign, to: "data/witan.db")
            for command in [["serve", "--port", "0"], ["migrate"], ["keys", "list"]] {
                try await Command.witan(command + ["--data", folder.data]).expectRefusal("not an SQLite database")
            }
            #expect(try text(of: folder.path("data/witan.db")) == foreign)
            let doctor = try await Command.witan("doctor", "--data", folder.data)
            #expect(doctor.end == .code(1))
            #expect(doctor.output.contains("FAILED  database: "))
        }

        @Test("The doctor finds damaged pages behind a good head")
        func damagedPages() async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            let file = folder.path("data/witan.db")
            var bytes = try Data(contentsOf: URL(filePath: file))
            // The first page holds the schema; what is behind it the tables and indexes.
            for index in bytes.indices where index >= 3 * 4_096 {
                bytes[index] = UInt8(truncatingIfNeeded: index &* 31)
            }
            try bytes.write(to: URL(filePath: file))
            let doctor = try await Command.witan("doctor", "--data", folder.data)
            #expect(doctor.end == .code(1), "\(doctor)")
            #expect(doctor.output.contains("FAILED  database: "), "\(doctor)")
            #expect(doctor.error.isEmpty)
            try await Command.witan("keys", "list", "--data", folder.data).expectRefusal("damaged")
        }

        @Test("A schema of a later version is refused by every command and left as it is")
        func newerSchema() async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            try await Command.run(
                "sqlite3",
                folder.path("data/witan.db"),
                "INSERT INTO schema_migrations (number, name, applied_at) VALUES (4711, 'of a later version', 0)"
            )
            for command in [["serve", "--port", "0"], ["migrate"], ["keys", "list"], ["audit", "verify"]] {
                try await Command.witan(command + ["--data", folder.data]).expectRefusal("schema 4711", "newer")
            }
            let doctor = try await Command.witan("doctor", "--data", folder.data)
            #expect(doctor.end == .code(1))
            #expect(doctor.output.contains("schema 4711"))
        }

        // MARK: The secrets

        @Test("A database without its secrets is refused, and none are made in their place")
        func missingSecrets() async throws {
            let folder = try TemporaryFolder()
            let key = try await folder.initialize()
            let secrets = folder.path("data/secrets")
            try FileManager.default.moveItem(atPath: secrets, toPath: folder.path("kept"))
            try await Command.witan("serve", "--port", "0", "--data", folder.data).expectRefusal(secrets, "restore")
            #expect(!FileManager.default.fileExists(atPath: secrets))

            let restored = try await ServerProcess.run(folder.data, "--secrets", folder.path("kept")) { server in
                try await server.client(key: key).loginStatus()
            }
            #expect(restored.result == 200)
        }

        /// Damage to a secrets file, and what the refusal says of it.
        struct Damage: Sendable, CustomTestStringConvertible {
            let what: String
            let parts: [String]
            let change: @Sendable (_ lines: [String]) -> [String]

            var testDescription: String { what }

            static let all = [
                Damage(what: "another pepper", parts: ["Pepper 1", "restore"]) { lines in
                    lines.map { $0.hasPrefix("pepper 1") ? "pepper 1 \(Data(count: 32).base64EncodedString())" : $0 }
                },
                Damage(what: "a pepper is gone", parts: ["pepper 1"]) { lines in
                    lines.map { $0.hasPrefix("pepper 1") ? $0.replacing("pepper 1", with: "pepper 2") : $0 }
                },
                Damage(what: "no pepper", parts: ["pepper"]) { $0.filter { !$0.hasPrefix("pepper") } },
                Damage(what: "no audit key", parts: ["audit BASE64"]) { $0.filter { !$0.hasPrefix("audit") } },
                Damage(what: "no signing key", parts: ["signing BASE64"]) { $0.filter { !$0.hasPrefix("signing") } },
                Damage(what: "a line cut off", parts: ["Line 3"]) { lines in
                    lines.map { $0.hasPrefix("audit") ? String($0.dropLast(5)) : $0 }
                },
                Damage(what: "a misspelt word", parts: ["Line 2"]) { lines in
                    lines.map { $0.replacing("pepper", with: "peper") }
                },
                Damage(what: "a short pepper", parts: ["Line 2", "at least"]) { lines in
                    lines.map { $0.hasPrefix("pepper") ? "pepper 1 AAAA" : $0 }
                },
                Damage(what: "an empty file", parts: ["secrets"]) { _ in [] },
                Damage(what: "some other, large file", parts: ["64 KiB"]) { _ in [String(repeating: "x", count: 70_000)]
                },
            ]
        }

        @Test("Damaged secrets are refused by line and not by content", arguments: Damage.all)
        func damagedSecrets(damage: Damage) async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            let intact = try text(of: folder.path("data/secrets"))
            let lines = intact.split(separator: "\n").map(String.init)
            try folder.write(damage.change(lines).joined(separator: "\n"), to: "data/secrets")
            let refused = try await Command.witan("serve", "--port", "0", "--data", folder.data)
            let values = lines.dropFirst().compactMap { $0.split(separator: " ").last.map { String($0.prefix(12)) } }
            #expect(values.count == 3)
            refused.expectRefusal(hiding: values)
            for part in damage.parts { #expect(refused.error.contains(part), "\(refused.error)") }

            try folder.write(intact, to: "data/secrets")
            try await Command.witan("doctor", "--data", folder.data).expectSuccess()
        }

        // MARK: Settings

        @Test("A port in use is refused with advice")
        func portInUse() async throws {
            let (first, second) = (try TemporaryFolder(), try TemporaryFolder())
            try await ServerProcess.run(first.data) { server in
                try await Command.witan("serve", "--port", "\(server.port)", "--data", second.data)
                    .expectRefusal("127.0.0.1:\(server.port)", "--port")
            }
        }

        @Test(
            "A setting that is none is refused with the nearest one",
            arguments: [
                (["--prot", "1"], "did you mean --port?"), (["--rate-limits=1/s"], "did you mean --rate-limit?"),
                (["--zzzzzzzzzzzz", "1"], "witan serve --help"), (["--port"], "--port needs a value"),
                (["8000"], "--name value"),
            ]
        )
        func unknownFlag(flags: [String], hint: String) async throws {
            let folder = try TemporaryFolder()
            try await Command.witan(["serve", "--data", folder.data] + flags).expectRefusal(hint, code: 64)
            #expect(try names(in: folder.path).isEmpty)
        }

        @Test(
            "A configuration file that cannot be used is refused",
            arguments: [
                ("prot: 1", "did you mean port?"), ("port: 1: 2", "not YAML"), ("- port", "mapping"),
                ("port: \"unfinished", "not YAML"),
            ]
        )
        func configurationFile(content: String, hint: String) async throws {
            let folder = try TemporaryFolder()
            let file = try folder.write(content, to: "witan.yaml")
            for command in [["serve", "--config", file], ["serve"]] {
                try await Command.witan(command + ["--data", folder.data], environment: ["WITAN_CONFIG": file])
                    .expectRefusal(hint, file, code: 64)
            }
            #expect(try names(in: folder.path) == ["witan.yaml"])
        }

        @Test("A configuration file that is not there is refused")
        func missingConfigurationFile() async throws {
            let folder = try TemporaryFolder()
            try await Command.witan("serve", "--data", folder.data, "--config", folder.path("none.yaml"))
                .expectRefusal(folder.path("none.yaml"), code: 64)
            #expect(try names(in: folder.path).isEmpty)
        }

        @Test(
            "A value that does not fit its setting is refused, with what would",
            arguments: [
                ("port", "70000"), ("port", "http"), ("port", "-1"), ("public-url", "ftp://example.com"),
                ("rate-limit", "5/fortnight"), ("rate-limit", "0/s"), ("organization-rate-limit", "many"),
                ("failed-authentication-rate-limit", ""), ("trusted-proxies", "300.1.1.1"),
                ("trusted-proxies", "10.0.0.0/33"), ("key-minting", "nobody"), ("log-format", "xml"),
                ("log-level", "loud"), ("log-requests", "maybe"), ("max-requests", "0"), ("max-connections", "1e3"),
                ("max-body-bytes", "12"), ("request-timeout", "5"), ("request-timeout", "-5s"), ("idle-timeout", "0s"),
                ("drain-timeout", "soon"), ("tls-certificate", "/only/one.pem"), ("tls-key", "/only/one.pem"),
                ("jwks-file", "/without/issuer.json"), ("jwt-issuer", "without-audience"),
            ]
        )
        func badValue(setting: String, value: String) async throws {
            let folder = try TemporaryFolder()
            let flag = try await Command.witan("serve", "--data", folder.data, "--\(setting)=\(value)")
            flag.expectRefusal(setting, code: 64)
            let variable = "WITAN_" + setting.uppercased().replacing("-", with: "_")
            let environment = try await Command.witan("serve", "--data", folder.data, environment: [variable: value])
            #expect(environment.error == flag.error)
            #expect(try names(in: folder.path).isEmpty, "nothing was made")
        }

        @Test("TLS files that are missing or do not fit each other are refused")
        func badTLSFiles() async throws {
            let folder = try TemporaryFolder()
            let (certificate, _) = try await TLSFiles.make(in: folder, "one")
            let (_, key) = try await TLSFiles.make(in: folder, "two")
            let text = try folder.write("no PEM", to: "text.pem")
            for (certificate, key) in [("/none.pem", key), (certificate, "/none.pem"), (text, key), (certificate, key)]
            {
                try await Command.witan(
                    ["serve", "--data", folder.data, "--port", "0", "--tls-certificate", certificate, "--tls-key", key]
                )
                .expectRefusal(certificate, key)
            }
        }
    }
}
