import Foundation
import Synchronization
import Testing
import WitanCore
import WitanEngines
import WitanStorage
import WitanTesting

@testable import WitanPostgres

@Suite("Statements on PostgreSQL", .enabled(if: PostgresInstance.isAvailable))
struct StatementTests {
    @Test("values are bound and never read as SQL, prepared or not", arguments: [true, false])
    func hostileTexts(preparesStatements: Bool) async throws {
        let texts = [
            "'; DROP TABLE items; --", "\\'; DROP TABLE items; --", "$1", "?", "%s", "\\x00", "E'\\n'", "$$", "/*",
            "--",
            "'", "''", "\"", "\\", "\u{1}", "\u{2028}", "𝔘", String(repeating: "'", count: 10_000),
        ]
        try await TestSchema.with { schema in
            try await withDatabase(schema.url, preparesStatements: preparesStatements) { database in
                try await makeItems(in: database)
                for (id, text) in texts.enumerated() {
                    try await database.write { connection in
                        try connection.run("INSERT INTO items (id, name) VALUES (\(id), \(text))")
                        try connection.run("UPDATE items SET value = 1 WHERE name = \(text) AND \(text) = name")
                    }
                    let row = try await database.read { connection in
                        try connection.row("SELECT name, value FROM items WHERE id = \(id)")
                    }
                    #expect(try Array(row?.text(0).utf8 ?? "".utf8) == Array(text.utf8))
                    #expect(row?[1] == 1)
                }
                #expect(try await ids(in: database) == Array(texts.indices))
            }
        }
    }

    @Test("each connection prepares a statement once, and forgets all of them when they become too many")
    func prepares() async throws {
        var limits = Limits()
        limits.preparedStatements = 13
        try await TestSchema.with { schema in
            try await withDatabase(schema.url, connections: 4, limits: limits) { database in
                let count: SQLQuery =
                    "SELECT COUNT(*), COUNT(*) FILTER (WHERE NOT from_sql) FROM pg_prepared_statements"
                for round in 0..<3 {
                    for number in 0..<7 {
                        for _ in 1...3 {
                            let row = try await database.read { connection in
                                try connection.row("SELECT \(raw: "\(number)"), \(number), \("a"), \(SQLValue.null)")
                            }
                            #expect(row?[1] == .integer(Int64(number)))
                        }
                    }
                    let row = try await database.read { try $0.row(count) }
                    // Seven, the one that counts, and the two that begin each transaction.
                    #expect(row?.values == [10, 10], "\(round)")
                }
                for number in 0..<100 {
                    let row = try await database.read { connection in
                        _ = try connection.row("SELECT \(raw: "\(number)") AS another, \(number)")
                        return try connection.row(count)
                    }
                    #expect(try row?.integer(0) ?? 0 <= 13)
                    #expect(row?[0] == row?[1])
                }
                // A list of any length is another statement, which nobody asks again.
                for length in 33...60 {
                    let list = (0..<length).map { SQLValue.integer(Int64($0)) }
                    let row = try await database.read { connection in
                        _ = try connection.row("SELECT 1 WHERE 1 IN \(list: list)")
                        return try connection.row(count)
                    }
                    #expect(try row?.integer(0) ?? 0 <= 13)
                }
            }
        }
    }

    @Test("nothing is prepared when it must not be")
    func preparesNothing() async throws {
        try await TestSchema.with { schema in
            try await withDatabase(schema.url, preparesStatements: false) { database in
                for number in 0..<20 {
                    let row = try await database.read { connection in
                        _ = try connection.row("SELECT \(number)")
                        return try connection.row("SELECT COUNT(*) FROM pg_prepared_statements")
                    }
                    #expect(row?[0] == 0)
                }
            }
        }
    }

    @Test("a statement that was prepared before a change of the schema is prepared again, unnoticed")
    func changedSchema() async throws {
        try await TestSchema.withDatabase { database, schema in
            let all: SQLQuery = "SELECT * FROM items"
            try await withDatabase(schema.url) { other in
                for name in ["a", "b", "c"] {
                    try await other.write { try $0.run("ALTER TABLE items ADD COLUMN \(identifier: name) TEXT") }
                    for _ in 1...3 { _ = try await database.read { try $0.rows(all) } }
                    try await database.write { connection in
                        _ = try connection.rows(all)
                        try connection.run("INSERT INTO items (id) SELECT COALESCE(MAX(id), 0) + 1 FROM items")
                    }
                }
            }
            #expect(try await ids(in: database) == [1, 2, 3])
        }
    }

    @Test("settings of the server's that change how texts are read change nothing")
    func settings() async throws {
        try await TestSchema.with { schema in
            let role = "role_\(schema.application)".lowercased()
            let server = try #require(PostgresPlace.server)
            let settings = [
                "standard_conforming_strings = off", "bytea_output = escape",
                "default_transaction_isolation = serializable",
                "lc_messages = 'C.UTF-8'", "synchronous_commit = off",
                "statement_timeout = 2000", "lock_timeout = 2000",
                "idle_in_transaction_session_timeout = 2000", "DateStyle = 'German'", "client_min_messages = debug1",
            ]
            try await PostgresInstance.execute(
                ["CREATE ROLE \(role) LOGIN SUPERUSER"] + settings.map { "ALTER ROLE \(role) SET \($0)" },
                on: server
            )
            let url = schema.url.replacing("user=postgres", with: "user=\(role)")
            try await withDatabase(url) { database in
                try await makeItems(in: database)
                let blob = SQLValue.blob(Array(0...255) + Array("\\x41\\".utf8))
                let row = try await database.write { connection in
                    try connection.row(
                        "SELECT \(blob), '\\', \("\\"), pg_sleep(6) IS NULL, 'a' LIKE '\\a' ESCAPE '\\'"
                    )
                }
                #expect(row?.values == [blob, "\\", "\\", 0, 1])
                for (kind, durability) in [
                    (WriteConcurrency.alone, "local"), (.concurrent, "local"), (.transient, "off"),
                ] {
                    let row = try await database.write(kind) { connection in
                        try connection.row(
                            """
                            SELECT current_setting('transaction_isolation'), current_setting('synchronous_commit'),
                            current_setting('statement_timeout'), current_setting('lock_timeout')
                            """
                        )
                    }
                    #expect(row?.values == ["read committed", .text(durability), "10s", "5s"])
                }
            }
            try await PostgresInstance.execute(["DROP OWNED BY \(role)", "DROP ROLE \(role)"], on: server)
        }
    }

    @Test(
        "a database whose texts are of another encoding is refused with a sentence, before anything is stored",
        arguments: ["LATIN1", "SQL_ASCII"]
    )
    func encoding(encoding: String) async throws {
        let server = try #require(PostgresPlace.server)
        let name = "encoding_\(encoding)_\(UUID().uuidString.prefix(8))".lowercased()
        try await PostgresInstance.execute(
            ["CREATE DATABASE \(name) ENCODING '\(encoding)' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"],
            on: server
        )
        try await withDatabase(server.replacing("///postgres", with: "///\(name)")) { database in
            let failure = await expectFailure(.unavailable, "encoding is not UTF8") { try await database.ping() }
            let reason = String(describing: failure?.underlying)
            #expect(reason.contains("server_encoding is \(encoding)"))
        }
        try await PostgresInstance.execute(["DROP DATABASE \(name)"], on: server)
    }

    @Test("a large answer comes whole, and so do large arguments")
    func large() async throws {
        try await TestSchema.withDatabase { database, _ in
            let text = String(repeating: "ä", count: 4 << 20)
            let row = try await database.read { try $0.row("SELECT \(text), LENGTH(\(text))") }
            #expect(try row?.text(0) == text)
            #expect(row?[1] == .integer(4 << 20))
            let rows = try await database.read {
                try $0.rows("SELECT i, REPEAT('x', 50) FROM generate_series(1, 50000) AS i")
            }
            #expect(rows.count == 50_000 && rows.last?[0] == 50_000)
        }
    }

    @Test("a statement with more arguments than can be counted is a bug, and harms nothing else")
    func tooManyArguments() async throws {
        try await TestSchema.withDatabase { database, schema in
            let list = (0..<65_535).map { SQLValue.integer(Int64($0)) }
            let before = try await schema.activity("pid")
            let row = try await database.write { try $0.row("SELECT COUNT(*) WHERE 1 IN \(list: list)") }
            #expect(row?[0] == 1)
            await expectFailure(.bug) {
                try await database.write { try $0.row("SELECT 1 WHERE 1 IN \(list: list + [1])") }
            }
            #expect(try await schema.activity("pid") == before)
        }
    }

    @Test("a flood of notices is read, printed nowhere and kept nowhere")
    func notices() async throws {
        try await TestSchema.withDatabase { database, _ in
            try await database.write { connection in
                try connection.run(
                    "DO $$ BEGIN FOR i IN 1..20000 LOOP RAISE NOTICE 'n %', i; RAISE WARNING 'w %', i; END LOOP; END $$"
                )
                try connection.run("INSERT INTO items (id) VALUES (1)")
            }
            #expect(try await ids(in: database) == [1])
        }
    }

    @Test("a search path without a schema is a sentence")
    func noSchema() async throws {
        let server = try #require(PostgresPlace.server)
        for path in ["''", "nowhere"] {
            try await withDatabase("\(server)&options=-csearch_path%3D\(path)") { database in
                await expectFailure(.unavailable, "search_path") {
                    try await database.write { try $0.run("CREATE TABLE items (id BIGINT)") }
                }
            }
        }
    }
}
