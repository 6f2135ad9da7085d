import Testing
import WitanCore
import WitanEngines
import WitanStorage
import WitanTesting

@Suite("Migrations")
struct MigratorTests {
    @Test("an empty database gets every step once", arguments: Engine.available)
    func fromNothing(_ engine: Engine) async throws {
        try await engine.withDatabase { database in
            let migrator = Migrator()
            let latest = Migration.all.count
            let empty = try await migrator.status(of: database)
            #expect(empty.current == 0)
            #expect(empty.latest == latest)
            #expect(try await migrator.migrate(database, at: .start) == Array(1...latest))
            #expect(try await migrator.migrate(database, at: .start) == [])
            #expect(try await migrator.status(of: database).current == latest)
        }
    }

    @Test("a database of an older version gets what it lacks", arguments: Engine.available)
    func fromOlder(_ engine: Engine) async throws {
        try await engine.withDatabase { database in
            try await Migrator(migrations: Array(Migration.all.prefix(1))).migrate(database, at: .start)
            let missing = Array(2...Migration.all.count)
            #expect(try await Migrator().migrate(database, at: .start) == missing)
            let names = try await database.read { try $0.rows("SELECT name FROM schema_migrations ORDER BY number") }
            #expect(try names.map { try $0.text(0) } == Migration.all.map(\.name))
        }
    }

    @Test("steps are numbered from 1 without gaps")
    func numbers() {
        #expect(Migration.all.map(\.number) == Array(1...Migration.all.count))
    }

    @Test("a database of a newer version is refused and not touched", arguments: Engine.available)
    func fromNewer(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            let old = Migrator(migrations: Array(Migration.all.dropLast()))
            let refusal = await #expect(throws: Failure.self) { try await old.status(of: database) }
            #expect(refusal?.code == .conflict)
            let migration = await #expect(throws: Failure.self) { try await old.migrate(database, at: .start) }
            #expect(migration?.code == .conflict)
            let status = try await Migrator().status(of: database)
            #expect(status.current == Migration.all.count)
        }
    }

    @Test("a step that fails leaves none of the steps behind", arguments: Engine.available)
    func failure(_ engine: Engine) async throws {
        try await engine.withDatabase { database in
            let good = Migration(1, "good") { _ in ["CREATE TABLE good (id TEXT)"] }
            let bad = Migration(2, "bad") { _ in ["CREATE TABLE half (id TEXT)", "CREATE TABLE good (id TEXT)"] }
            await #expect(throws: Failure.self) {
                try await Migrator(migrations: [good, bad]).migrate(database, at: .start)
            }
            for table in ["good", "half", "schema_migrations"] {
                let rows = try await database.read { try $0.rows($0.dialect.tablesNamed(table)) }
                #expect(rows.isEmpty, "\(table)")
            }
            #expect(try await Migrator(migrations: [good]).migrate(database, at: .start) == [1])
        }
    }

    @Test("many servers that start at once apply each step once", arguments: Engine.available)
    func concurrent(_ engine: Engine) async throws {
        try await engine.withDatabase { database in
            let applied = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 1...8 { group.addTask { try await Migrator().migrate(database, at: .start) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(applied.sorted() == Array(1...Migration.all.count))
        }
    }
}
