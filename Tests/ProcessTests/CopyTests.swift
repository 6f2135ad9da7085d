import Foundation
import Subprocess
import Synchronization
import SystemPackage
import Testing
import WitanJSON

extension ProcessTests {
    @Suite struct CopyTests {
        @Test(
            "A copy is an installation whose keys work and whose audit log is whole",
            arguments: CopyPlace.Kind.available
        )
        func copy(_ kind: CopyPlace.Kind) async throws {
            let folder = try TemporaryFolder()
            let key = try await folder.initialize()
            let secrets = folder.path("data/secrets")
            try await kind.with(folder, "middle") { middle in
                let command = try await Command.witan("copy", "--from", "sqlite:\(folder.data)", "--to", middle.url)
                command.expectSuccess()
                #expect(command.output.contains("they are the same"))
                #expect(command.output.contains(/Checked \d+ rows of the audit log/))
                #expect(command.output.contains("--secrets \(secrets)"))

                // And back, because every kind of source must be as good.
                let target = folder.path("target")
                let arguments = ["copy", "--from", middle.url, "--to", "sqlite:\(target)", "--json"]
                let report = try await Command.witan(arguments, environment: ["WITAN_SECRETS": secrets]).json()
                #expect(report["is_complete"] == true)
                #expect(report["audit_log"]?.object?["problems"] == [])
                let tables = try #require(report["tables"]?.array).compactMap(\.object)
                #expect(tables.count > 15)
                for table in tables {
                    #expect(table["is_same"] == true && table["source"] == table["target"])
                    #expect(table["source"]?.object?["sha256"]?.string?.utf8.count == 64)
                }
                let original = try await CopyPlace.rows(of: folder.path("data/witan.db"))
                #expect(original.count > 50)
                #expect(try await CopyPlace.rows(of: "\(target)/witan.db") == original)
                #expect(try mode(of: target) == 0o700 && mode(of: "\(target)/witan.db") == 0o600)

                let environment = ["WITAN_SECRETS": secrets]
                let ended = try await ServerProcess.run(target, environment: environment) { server in
                    let client = server.client(key: key)
                    #expect(try await client.loginStatus() == 200)
                    let made = try await client.createdKey("after the copy")
                    #expect(try await server.client(key: made).loginStatus() == 200)
                }
                #expect(ended.end == .code(0))
                try await Command.witan(["audit", "verify", "--data", target], environment: environment).expectSuccess()
                try await Command.witan(["doctor", "--data", target], environment: environment).expectSuccess()
            }
        }

        @Test("A copy that is killed again and again goes on where it stopped", arguments: CopyPlace.Kind.available)
        func kills(_ kind: CopyPlace.Kind) async throws {
            let folder = try TemporaryFolder()
            let rows = 40_000
            try await Self.makeLarge(folder, rows: rows)
            var random = SeededRandom(for: "CopyTests.kills(\(kind))")
            try await kind.with(folder, "target") { target in
                let arguments = ["copy", "--from", "sqlite:\(folder.data)", "--to", target.url]
                var copied = 0
                var kills = 0
                // The last rows take no time: a kill among them might come too late.
                while copied < rows * 3 / 4, kills < 8 {
                    let wanted = copied + Int.random(in: 0...rows / 6, using: &random)
                    let stopped = try await Self.interrupt(arguments, .kill) { try await target.copiedRows() > wanted }
                    guard stopped.end == .signal(9) else { break }
                    kills += 1
                    let reached = try await target.copiedRows()
                    #expect(reached >= copied, "no row is copied twice")
                    copied = reached
                }
                #expect(kills > 2, "\(kills) kills, \(copied) rows")
                let last = try await Command.witan(arguments + ["--json"]).json()
                #expect(last["copied_before"]?.int == copied)
                #expect(last["is_complete"] == true)
                print("CopyTests: \(kills) kills, the last at \(copied) of \(last["rows"]?.int ?? 0) rows.")
                try await Self.expectSame(folder, target)
            }
        }

        @Test("SIGINT ends a copy between two transactions and says how to go on", arguments: CopyPlace.Kind.available)
        func interruption(_ kind: CopyPlace.Kind) async throws {
            let folder = try TemporaryFolder()
            try await Self.makeLarge(folder, rows: 40_000)
            try await kind.with(folder, "target") { target in
                let arguments = ["copy", "--from", "sqlite:\(folder.data)", "--to", target.url]
                let stopped = try await Self.interrupt(arguments, .interrupt) { try await target.copiedRows() > 0 }
                #expect(stopped.end == .code(130), "\(stopped.error)")
                #expect(stopped.error.contains(/Copied \d+ of \d+ rows .*goes on from there/), "\(stopped.error)")
                let options = target.options + ["--secrets", folder.path("data/secrets")]
                for command in ["serve --port 0", "keys list", "migrate", "doctor", "audit verify", "init"] {
                    var words = command.split(separator: " ").map(String.init)
                    if command == "init" { words += ["--organization", "Acme", "--email", "ada@example.com"] }
                    let refused = try await Command.witan(words + options)
                    #expect(!refused.isSuccess, "\(refused)")
                    #expect("\(refused)".contains("holds an unfinished copy"), "\(refused)")
                }
                let again = try await Command.witan(arguments)
                again.expectSuccess()
                #expect(again.output.contains("an earlier run had copied the others"))
                try await Self.expectSame(folder, target)
            }
        }

        @Test("A copy refuses what it must not touch, with a sentence", arguments: CopyPlace.Kind.available)
        func refusals(_ kind: CopyPlace.Kind) async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            let source = "sqlite:\(folder.data)"
            try await kind.with(folder, "target") { target in
                try await Command.witan("copy", "--from", "sqlite:\(folder.path("none"))", "--to", target.url)
                    .expectRefusal("There is no database")
                try await Command.witan("copy", "--from", source, "--to", source)
                    .expectRefusal("the same database", code: 64)
                try await Command.witan("copy", "--from", folder.data, "--to", target.url)
                    .expectRefusal("--from", "sqlite:FOLDER", code: 64)
                let other = try TemporaryFolder()
                _ = try await other.initialize()
                try await Command.witan(
                    "copy",
                    "--from",
                    source,
                    "--to",
                    target.url,
                    "--secrets",
                    other.path("data/secrets")
                )
                .expectRefusal("Pepper 1", "--secrets")
                try await ServerProcess.run(folder.data) { server in
                    try await Command.witan("copy", "--from", source, "--to", target.url)
                        .expectRefusal("in use by process \(server.processID)")
                }
                try await Command.witan("copy", "--from", source, "--to", target.url).expectSuccess()
                try await Command.witan("copy", "--from", "sqlite:\(other.data)", "--to", target.url)
                    .expectRefusal("holds an installation already")
            }
        }

        @Test("A copy never shows the password of a database")
        func password() async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            let password = "correct-horse-battery"
            for url in [
                "postgres://ada:\(password)@127.0.0.1:1/witan", "postgres://ada:\(password)@[::1/witan",
                "postgres://ada@localhost/witan?pasword=\(password)",
            ] {
                try await Command.witan("copy", "--from", "sqlite:\(folder.data)", "--to", url)
                    .expectRefusal(hiding: [password])
            }
        }

        // MARK: Helpers

        /// Makes an installation with so many projects.
        private static func makeLarge(_ folder: TemporaryFolder, rows: Int) async throws {
            _ = try await folder.initialize()
            try await Command.run(
                "sqlite3",
                folder.path("data/witan.db"),
                """
                WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < \(rows))
                INSERT INTO projects (id, org_id, name, description, created, settings)
                SELECT lower(hex(randomblob(16))), (SELECT id FROM organizations), 'project ' || n,
                    CASE n % 3 WHEN 0 THEN NULL ELSE hex(randomblob(n % 100)) END, n, '{"n":' || n || '}'
                FROM numbers
                """
            )
        }

        /// Runs a copy and sends it a signal when it is due, unless it ends before.
        private static func interrupt(
            _ arguments: [String],
            _ signal: Signal,
            when isDue: @escaping @Sendable () async throws -> Bool
        ) async throws -> (end: ProcessEnd, error: String) {
            let hasEnded = Flag()
            let ended = try await Subprocess.run(
                .path(FilePath(WitanBinary.path)),
                arguments: Arguments(arguments),
                environment: .inherit(adding: [:]),
                input: .none,
                output: .sequence,
                error: .sequence
            ) { execution in
                try await withThrowingTaskGroup(of: String?.self) { group in
                    group.addTask {
                        for try await _ in execution.standardOutput.strings() {}
                        hasEnded.set()
                        return nil
                    }
                    group.addTask {
                        var error = ""
                        for try await line in execution.standardError.strings() { error += line + "\n" }
                        return error
                    }
                    group.addTask {
                        try await within(.seconds(60), "the moment of the signal") {
                            while try await !isDue(), !hasEnded.isSet {}
                        }
                        // It may have ended by itself.
                        try? execution.send(signal: signal)
                        return nil
                    }
                    return try await group.reduce(into: "") { $0 += $1 ?? "" }
                }
            }
            return (ProcessEnd(ended.terminationStatus), ended.takeClosureResult())
        }

        /// Expects that the copy has the rows of the installation in the folder.
        private static func expectSame(
            _ source: TemporaryFolder,
            _ target: CopyPlace,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let original = try await CopyPlace.rows(of: source.path("data/witan.db"))
            #expect(original.count > 50, sourceLocation: sourceLocation)
            // Compared as a whole, because a difference of many rows takes long to be shown.
            let isSame = try await target.rows(source) == original
            #expect(isSame, sourceLocation: sourceLocation)
        }
    }
}

/// Something that happens once.
private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set() { value.store(true, ordering: .releasing) }
}
