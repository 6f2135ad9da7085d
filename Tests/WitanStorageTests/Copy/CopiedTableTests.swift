import Testing
import WitanCore
import WitanEngines
import WitanStorage
import WitanTesting

@Suite("The tables that a copy moves")
struct CopiedTableTests {
    @Test("are all tables that the migrations make, with all their columns", arguments: Engine.available)
    func covers(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            let schema = try await database.byHand.read { try Schema(on: $0) }
            let listed = Set(CopiedTable.all.map(\.name))
            #expect(listed.count == CopiedTable.all.count, "Each table is listed once.")
            #expect(
                listed.union(CopiedTable.notCopied) == Set(schema.columns.keys),
                "List each table in CopiedTable.all, or in CopiedTable.notCopied with the reason."
            )
            #expect(listed.isDisjoint(with: CopiedTable.notCopied))
            for table in CopiedTable.all {
                #expect(Set(table.columns) == schema.columns[table.name], "List the columns of \(table.name).")
                #expect(Set(table.columns).count == table.columns.count)
            }
        }
    }

    @Test("stand after those that they refer to, so that no row comes before its parent", arguments: Engine.available)
    func order(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            let schema = try await database.byHand.read { try Schema(on: $0) }
            let places = Dictionary(uniqueKeysWithValues: CopiedTable.all.enumerated().map { ($1.name, $0) })
            #expect(schema.references.count > 20)
            for (child, parent) in schema.references {
                let (childPlace, parentPlace) = (try #require(places[child]), try #require(places[parent]))
                #expect(parentPlace < childPlace, "\(child) refers to \(parent).")
            }
        }
    }

    @Test("are empty in a new database, but for those that are said to be filled", arguments: Engine.available)
    func filled(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            for table in CopiedTable.all {
                let row = try await database.byHand.read {
                    try $0.row("SELECT 1 FROM \(identifier: table.name) LIMIT 1")
                }
                #expect((row != nil) == table.isFilledByMigrations, "\(table.name)")
            }
        }
    }
}

/// What a database's own catalog tells of its tables.
private struct Schema {
    var columns: [String: Set<String>] = [:]
    var references: [(child: String, parent: String)] = []

    init(on connection: any SQLConnection) throws {
        let isSQLite = connection.dialect.name == Engine.sqlite.name
        let columnQuery: SQLQuery =
            isSQLite
            ? """
            SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
            WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'
            """
            : """
            SELECT table_name::text, column_name::text FROM information_schema.columns
            WHERE table_schema = current_schema()
            """
        for row in try connection.rows(columnQuery) {
            columns[try row.text(0), default: []].insert(try row.text(1))
        }
        let referenceQuery: SQLQuery =
            isSQLite
            ? """
            SELECT t.name, r."table" FROM sqlite_schema AS t JOIN pragma_foreign_key_list(t.name) AS r
            WHERE t.type = 'table'
            """
            : """
            SELECT c.conrelid::regclass::text, c.confrelid::regclass::text FROM pg_constraint AS c
            WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace
            """
        for row in try connection.rows(referenceQuery) {
            references.append((try row.text(0), try row.text(1)))
        }
    }
}
