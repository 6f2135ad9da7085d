import WitanCore
import WitanPostgres
package import WitanStorage
package import WitanTesting

/// Plans statements as PostgreSQL does on tables of thousands of rows; a test's few are read quickest by walking them.
///
/// The tables are temporary ones of a connection of its own, so they go with the process. What they hold is made up by
/// column: nobody reads it, but the planner's statistics are of it.
package actor PostgresPlanner {
    private let server: String
    private var database: PostgresDatabase?

    /// The answers of a planner on a server; when it cannot be asked, that is a bug, for nothing that a test does to its
    /// own database concerns it.
    package static func explain(on server: String) -> PlanCheck.Explain {
        let planner = PostgresPlanner(on: server)
        return { query, _ in
            do {
                return try await planner.walks(query)
            } catch let error as CancellationError {
                throw error
            } catch {
                throw Failure.bug("The planner cannot be asked", underlying: error)
            }
        }
    }

    /// Takes the URL of a server; nothing is done there before the first statement.
    package init(on server: String) {
        self.server = server
    }

    /// The tables that a statement walks; none when it is about others than the migrations make.
    package func walks(_ query: SQLQuery) async throws -> [TableWalk] {
        let database = try database ?? open()
        self.database = database
        // Looked for each time: another connection than the one before has none.
        if try await database.write({ try $0.rows($0.dialect.tablesNamed("users")).isEmpty }) {
            try await Migrator().migrate(database, at: Timestamp(seconds: 0))
        }
        try await database.write { connection in
            if try connection.row("SELECT 1 FROM users LIMIT 1") == nil { try Self.fillTables(connection) }
        }
        do {
            return try await database.write { try Self.walks(query, $0) }
        } catch let failure as Failure where Self.isAboutOthers(failure) {
            return []
        }
    }

    /// Whether a table or a column is not there.
    private static func isAboutOthers(_ failure: Failure) -> Bool {
        guard let cause = failure.underlying.map({ "\($0)" }) else { return false }
        return ["SQLSTATE 42P01", "SQLSTATE 42703"].contains(where: cause.hasPrefix)
    }

    private static func walks(_ query: SQLQuery, _ connection: any SQLConnection) throws -> [TableWalk] {
        let plan = try PostgresPlan(
            connection.row("EXPLAIN (FORMAT JSON, COSTS OFF) \(query)")?.text(0) ?? ""
        )
        var firstColumns: [String: String] = [:]
        for row in try connection.rows(
            """
            SELECT relname, pg_get_indexdef(oid, 1, true) FROM pg_catalog.pg_class
            WHERE relname IN \(list: plan.indexes.map(SQLValue.text)) AND pg_catalog.pg_table_is_visible(oid)
            """
        ) {
            firstColumns[try row.text(0)] = try row.text(1)
        }
        return plan.walks(firstColumns: firstColumns)
    }

    /// What the planner is kept from, because an index could spare it: what it does all the same, it always will.
    private static let settings = [
        "enable_seqscan", "enable_indexonlyscan", "enable_hashjoin", "enable_mergejoin", "enable_material",
    ]

    private func open() throws -> PostgresDatabase {
        let settings = ["search_path=pg_temp"] + Self.settings.map { "\($0)=off" }
        let options = settings.map { "-c\($0.replacing("=", with: "%3D"))" }.joined(separator: "%20")
        let url = server + (server.contains("?") ? "&" : "?") + "options=\(options)"
        var configuration = PostgresDatabase.Configuration(primary: try PostgresAddress(url: url))
        configuration.connections = 1
        configuration.preparesStatements = false
        // All tests ask the one connection.
        var limits = Limits.unhurried
        limits.databaseConnectionDuration = .seconds(86_400)
        return PostgresDatabase(configuration, limits: limits, time: .system)
    }
}

// MARK: - Tables

extension PostgresPlanner {
    private static func fillTables(_ connection: any SQLConnection) throws {
        let constraints = try connection.rows(
            """
            SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint
            WHERE connamespace = pg_my_temp_schema() AND contype IN ('f', 'c')
            """
        )
        for row in constraints {
            try connection.run("ALTER TABLE \(raw: row.text(0)) DROP CONSTRAINT \(raw: row.text(1))")
        }
        var columns: [String: [(name: String, value: String)]] = [:]
        for row in try connection.rows(
            """
            SELECT c.relname, a.attname, a.attnotnull::int, t.typname FROM pg_class AS c
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            JOIN pg_type AS t ON t.oid = a.atttypid
            WHERE c.relkind = 'r' AND c.relnamespace = pg_my_temp_schema()
            """
        ) {
            let name = try row.text(1)
            let value = try value(of: name, isRequired: row.integer(2) == 1, type: row.text(3))
            columns[try row.text(0), default: []].append((name, value))
        }
        for (table, columns) in columns {
            let names = columns.map { "\"\($0.name)\"" }.joined(separator: ", ")
            let values = columns.map(\.value).joined(separator: ", ")
            try connection.run(
                """
                INSERT INTO \(identifier: table) (\(raw: names))
                SELECT \(raw: values) FROM generate_series(1, 5000) AS n ON CONFLICT DO NOTHING
                """
            )
            try connection.run("ANALYZE \(identifier: table)")
        }
    }

    /// What a column holds in the row `n`: ids and names are all different, each reference stands in some ten rows, and
    /// few other texts are different.
    private static func value(of column: String, isRequired: Bool, type: String) -> String {
        let number = "('x' || substr(md5('\(column)' || n), 1, 7))::bit(28)::int"
        let value =
            switch (type, column) {
            case ("bytea", _): "decode(md5('\(column)' || n), 'hex')"
            case ("text", "id"), ("text", "name"), ("text", "email"): "md5('\(column)' || n)"
            case ("text", _) where column.hasSuffix("_id"): "md5((\(number) % 500)::text)"
            case ("text", _): "'\(column) ' || \(number) % 20"
            default: "n"
            }
        if isRequired { return value }
        return "CASE WHEN n % 20 < \(column == "deleted_at" ? 19 : 4) THEN NULL ELSE \(value) END"
    }
}
