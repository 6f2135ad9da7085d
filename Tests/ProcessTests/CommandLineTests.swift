import Foundation
import Testing
import WitanJSON

extension ProcessTests {
    @Suite struct CommandLineTests {
        @Test("Every command explains itself, with an example")
        func help() async throws {
            let dump = try await Command.witan("--experimental-dump-help").json()
            let root = try #require(dump["command"]?.object)
            let commands = Self.commands(root, [])
            #expect(commands.count >= 20)
            for command in commands where command != ["help"] {
                let help = try await Command.witan(command + ["--help"])
                help.expectSuccess()
                #expect(help.output.contains("Example: witan"), "witan \(command.joined(separator: " "))")
            }
        }

        private static func commands(_ command: JSONObject, _ path: [String]) -> [[String]] {
            [path]
                + (command["subcommands"]?.array ?? []).compactMap(\.object)
                .flatMap { commands($0, path + [$0["commandName"]?.string ?? ""]) }
        }

        @Test(
            "What a command does not understand is a sentence and exit code 64",
            arguments: [
                ["init"], ["init", "--organization", "Acme"], ["frobnicate"], ["keys", "revoke", "no-id"], ["backup"],
                ["keys", "create", "--name", "x", "--data", "/proc"], ["peppers", "remove", "first"],
                ["keys", "list", "--url", "http://127.0.0.1:1"],
            ]
        )
        func usage(arguments: [String]) async throws {
            try await Command.witan(arguments).expectRefusal(code: 64)
        }

        @Test("init makes an organization, its owner and a key once, for people and for programs")
        func initialize() async throws {
            let folder = try TemporaryFolder()
            let arguments = ["init", "--data", folder.data, "--email", "ada@example.com", "--given-name", "Ada"]
            let made = try await Command.witan(arguments + ["--organization", "Acme", "--json"])
            let object = try made.json()
            #expect(made.output.hasSuffix("}\n"))
            #expect(object.members.map(\.name) == ["organization", "user", "api_key"])
            #expect(object["organization"]?.object?["name"] == "Acme")
            #expect(object["user"]?.object?["email"] == "ada@example.com")
            #expect(object["user"]?.object?["given_name"] == "Ada")
            let key = try #require(object["api_key"]?.object)
            #expect(
                key.members.map(\.name) == [
                    "id", "created", "name", "preview_name", "user_id", "user_email", "user_given_name",
                    "user_family_name", "org_id", "key",
                ]
            )

            let again = try await Command.witan(arguments + ["--organization", "Acme"])
            again.expectRefusal("organization")
            #expect(again.output.isEmpty)
            let second = try await Command.witan(arguments + ["--organization", "Bell"])
            second.expectSuccess()
            let secret = try #require(second.output.firstMatch(of: /API key +(sk-\w+)/)?.1)
            #expect(second.output.contains("export BRAINTRUST_API_KEY=\(secret)\n"))

            let keys = [String(secret), try #require(key["key"]?.string)]
            try await ServerProcess.run(folder.data) { server in
                for key in keys {
                    let status = try await server.client(key: key).loginStatus()
                    #expect(status == 200)
                }
            }
        }

        @Test("Keys, people and organizations are handled alike on a stopped server's data and over a running one")
        func keys() async throws {
            let folder = try TemporaryFolder()
            let key = try await folder.initialize()
            let added = try await Command.witan(
                ["users", "create", "--email", "Bob@Example.com", "--organization", "Acme", "--json"]
                    + ["--data", folder.data]
            )
            #expect(try added.json()["email"] == "bob@example.com")
            let stopped = Place.data(folder)
            let secrets = try await Self.work(in: stopped, creating: ["--email", "bob@example.com"], keys: 2)

            let ended = try await ServerProcess.run(folder.data) { server in
                let running = Place.api(server, key: key)
                let more = try await Self.work(in: running, creating: [], keys: 2)
                for (secret, status) in [
                    (secrets.kept, 200), (secrets.revoked, 401), (more.kept, 200), (more.revoked, 401),
                ] {
                    #expect(try await server.client(key: secret).loginStatus() == status)
                }
                let refused = try await Command.witan(
                    "keys",
                    "list",
                    "--url",
                    server.url,
                    environment: ["WITAN_API_KEY": more.revoked]
                )
                refused.expectRefusal("server refused", hiding: [more.revoked])
            }
            #expect(ended.end == .code(0))
            try await Command.witan("audit", "verify", "--data", folder.data).expectSuccess()
        }

        @Test("A member is made an owner, once, and each change of who may what stands in the audit log")
        func promotion() async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            func rows() async throws -> String {
                try await Command.witan("audit", "verify", "--data", folder.data).output
            }
            let before = try await rows()
            let create = [
                "users", "create", "--email", "bob@example.com", "--organization", "Acme", "--data", folder.data,
            ]
            var seen: [String] = []
            for arguments in [create, create, create + ["--owner"], create + ["--owner"], create] {
                try await Command.witan(arguments).expectSuccess()
                seen.append(try await rows())
            }
            #expect(before.hasPrefix("3 rows"))
            #expect(seen.map { $0.prefix { $0 != " " } } == ["4", "4", "5", "5", "5"])
            let owners = try await Command.run(
                "sqlite3",
                folder.path("data/witan.db"),
                "SELECT COUNT(*) FROM group_users WHERE group_id = (SELECT id FROM groups WHERE name = 'Owners')"
            )
            #expect(owners.output == "2\n")
        }

        @Test(
            "A key that cannot be shown is a failure with a sentence, not a silence",
            arguments: ["init", "keys", "serve"]
        )
        func fullOutput(_ command: String) async throws {
            let folder = try TemporaryFolder()
            var words = ["init", "--organization", "Acme", "--email", "ada@example.com"]
            if command == "keys" {
                _ = try await folder.initialize()
                words = ["keys", "create", "--name", "x", "--email", "ada@example.com"]
            } else if command == "serve" {
                words = ["serve", "--port", "0"]
            }
            let line = (["'\(WitanBinary.path)'"] + words + ["--data", "'\(folder.data)'", "> /dev/full"])
                .joined(separator: " ")
            let ended = try await Command.attempt("sh", "-c", line)
            #expect(ended.end == .code(1))
            #expect(ended.error.contains("Standard output cannot be written to"))
        }

        @Test("A server that is not there is a sentence", arguments: ["http://127.0.0.1:1", "http://no.invalid"])
        func noServer(url: String) async throws {
            try await Command.witan("keys", "list", "--url", url, environment: ["WITAN_API_KEY": "secret-text"])
                .expectRefusal(url, hiding: ["secret-text"])
        }

        /// Makes two keys and revokes one of them.
        private static func work(
            in place: Place,
            creating arguments: [String],
            keys count: Int
        ) async throws -> (kept: String, revoked: String) {
            let created = try await place.run(["keys", "create", "--name", "to revoke", "--json"] + arguments).json()
            let id = try #require(created["id"]?.string)
            let revoked = try #require(created["key"]?.string)
            let text = try await place.run(["keys", "create", "--name", "to keep"] + arguments)
            text.expectSuccess()
            let kept = text.output.trimmingCharacters(in: .newlines)
            #expect(kept.wholeMatch(of: /sk-\w{48}/) != nil)

            let listed = try #require(try await place.run(["keys", "list", "--json"]).json()["objects"]?.array)
            #expect(listed.count == count + 1)
            #expect(listed.allSatisfy { $0.object?["key"] == nil })
            let table = try await place.run(["keys", "list"])
            table.expectSuccess()
            #expect(table.output.split(separator: "\n").count == count + 2)
            #expect(table.output.contains(id))

            #expect(try await place.run(["keys", "revoke", id, "--json"]).json()["id"]?.string == id)
            try await place.run(["keys", "revoke", id]).expectRefusal(id)
            let rest = try await place.run(["keys", "list", "--json"]).json()
            #expect(rest["objects"]?.array?.count == count)

            #expect(try await place.run(["users", "list", "--json"]).json()["objects"]?.array?.count == 2)
            #expect(try await place.run(["organizations", "list", "--json"]).json()["objects"]?.array?.count == 1)
            return (kept, revoked)
        }

        @Test("The printed API document is the one that is served")
        func openAPI() async throws {
            let folder = try TemporaryFolder()
            try await ServerProcess.run(folder.data) { server in
                let client = server.client(key: "")
                let printed = try await Command.witan("openapi", "--public-url", server.url)
                printed.expectSuccess()
                #expect(
                    try await client.send("GET", "/openapi.json").json == JSONParser.parse(Array(printed.output.utf8))
                )
                let yaml = try await Command.witan("openapi", "--yaml", "--public-url", server.url)
                let served = try await client.send("GET", "/openapi.yaml").text
                #expect(
                    served.trimmingCharacters(in: .newlines) == yaml.output.trimmingCharacters(in: .newlines)
                )
            }
        }

        @Test("migrate works once, and on nothing but a database")
        func migrate() async throws {
            let folder = try TemporaryFolder()
            try await Command.witan("migrate", "--data", folder.data).expectRefusal("no database in \(folder.data)")
            #expect(try names(in: folder.path).isEmpty)
            _ = try await folder.initialize()
            let migrated = try await Command.witan("migrate", "--data", folder.data)
            migrated.expectSuccess()
            #expect(migrated.output == "Nothing to do.\n")
        }

        @Test(
            "audit verify finds what something else did to the log",
            arguments: [
                "UPDATE audit_events SET actor_email = 'eve@example.com' WHERE position = 2",
                "UPDATE audit_events SET object_name = 'x' WHERE position = (SELECT MAX(position) FROM audit_events)",
                "DELETE FROM audit_events WHERE position = 2",
                "DELETE FROM audit_events WHERE position = (SELECT MAX(position) FROM audit_events)",
                "DELETE FROM audit_events", "DELETE FROM audit_chains",
                """
                INSERT INTO audit_events
                (chain, position, id, created, event_type, outcome, authentication, object_type, mac)
                SELECT chain, position + 1, 'x', created, event_type, outcome, authentication, object_type, mac
                FROM audit_events ORDER BY position DESC LIMIT 1
                """,
            ]
        )
        func tampering(statement: String) async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            let intact = try await Command.witan("audit", "verify", "--data", folder.data)
            intact.expectSuccess()
            #expect(intact.output == "3 rows, all as they were written.\n")
            try await Command.run("sqlite3", folder.path("data/witan.db"), statement)
            let found = try await Command.witan("audit", "verify", "--data", folder.data)
            #expect(found.end == .code(1), "\(found)")
            #expect(found.output.contains("audit log"), "\(found)")
        }

        @Test("The doctor says one line a check, takes the server's settings and changes nothing")
        func doctor() async throws {
            let folder = try TemporaryFolder()
            let none = try await Command.witan("doctor", "--data", folder.data)
            #expect(none.end == .code(1))
            #expect(none.output.contains("FAILED  database: There is no database in \(folder.data)"))
            #expect(try names(in: folder.path).isEmpty)

            _ = try await folder.initialize()
            let well = try await Command.witan("doctor", "--data", folder.data, "--rate-limit", "5/s")
            well.expectSuccess()
            let checks = well.output.split(separator: "\n").map { $0.prefix { $0 != ":" } }
            #expect(
                checks == [
                    "ok      configuration", "ok      database", "ok      schema", "ok      peppers", "ok      clock",
                ]
            )
            let bad = try await Command.witan("doctor", "--data", folder.data, "--rate-limit", "5/fortnight")
            #expect(bad.end == .code(1))
            #expect(bad.output.contains("FAILED  configuration: The setting rate-limit must"))
            #expect(bad.output.contains("ok      clock"))
        }
    }
}
