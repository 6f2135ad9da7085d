package import WitanCore

/// Brings a database to the schema that this version needs.
package struct Migrator: Sendable {
    /// What there is to do.
    package struct Status: Sendable, Hashable {
        /// The number of the last step that the database has; 0 for an empty one, and beyond `latest` for one that a newer
        /// version has changed without harm to this one.
        package let current: Int

        /// The number of the last step that this version knows.
        package let latest: Int
    }

    private let migrations: [Migration]

    /// Takes the steps in their order.
    package init(migrations: [Migration] = Migration.all) {
        self.migrations = migrations
    }

    /// How far a database is.
    ///
    /// - Throws: `.conflict` when a newer version of Witan has changed it.
    package func status(of database: some SQLDatabase) async throws -> Status {
        try await database.read { connection in try status(on: connection) }
    }

    /// Applies the missing steps, all of them or none, and returns their numbers.
    ///
    /// - Throws: `.conflict` when a newer version of Witan has changed the database.
    @discardableResult
    package func migrate(_ database: some SQLDatabase, at now: Timestamp) async throws -> [Int] {
        let status = try await status(of: database)
        guard status.current < status.latest else { return [] }
        return try await database.write { connection in
            try connection.run(
                """
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    number \(raw: connection.dialect.integerType) PRIMARY KEY,
                    name \(raw: connection.dialect.textType) NOT NULL,
                    applied_at \(raw: connection.dialect.integerType) NOT NULL
                )\(raw: connection.dialect.tableSuffix)
                """
            )
            // Read again, now that no other process can come between.
            let current = try self.status(on: connection).current
            let pending = migrations.filter { $0.number > current }
            for migration in pending {
                for statement in migration.statements(connection.dialect) {
                    try connection.run(statement)
                }
                try connection.run(
                    """
                    INSERT INTO schema_migrations (number, name, applied_at)
                    VALUES (\(migration.number), \(migration.name), \(now))
                    """
                )
                guard migration.number >= Self.firstWithOldestServing else { continue }
                try connection.run(
                    """
                    UPDATE schema_migrations SET oldest_serving = \(migration.oldestServing)
                    WHERE number = \(migration.number)
                    """
                )
            }
            return pending.map(\.number)
        }
    }

    private func status(on connection: any SQLConnection) throws(Failure) -> Status {
        let latest = migrations.last?.number ?? 0
        guard try !connection.rows(connection.dialect.tablesNamed("schema_migrations")).isEmpty,
            let row = try connection.row("SELECT COALESCE(MAX(number), 0) FROM schema_migrations")
        else { return Status(current: 0, latest: latest) }
        let current = Int(try row.integer(0))
        let isServed = if current <= latest { true } else { try canServe(latest, on: connection) }
        guard isServed else {
            throw Failure(
                .conflict,
                """
                The database has schema \(current), but this version of Witan knows schemas up to \(latest): start the \
                version that last used the database, or a newer one.
                """
            )
        }
        return Status(current: current, latest: latest)
    }

    /// The step that brought the column `oldest_serving`.
    private static let firstWithOldestServing = 6

    /// Whether a version that knows the steps up to `latest` may work with a schema that is newer.
    private func canServe(_ latest: Int, on connection: any SQLConnection) throws(Failure) -> Bool {
        guard latest >= Self.firstWithOldestServing,
            let row = try connection.row("SELECT MAX(COALESCE(oldest_serving, number)) FROM schema_migrations")
        else { return false }
        return Int(try row.integer(0)) <= latest
    }
}
