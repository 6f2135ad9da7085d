import WitanCore
import WitanPostgres
import WitanSQLite
import WitanStorage

/// The database of an installation, opened; the one place that knows which engines there are.
enum OpenDatabase: Sendable {
    /// A file of this process's own.
    case sqlite(SQLiteDatabase, path: String)
    /// A server that other processes use too, with connections that no request waits for.
    case postgres(PostgresDatabase, control: PostgresDatabase, PostgresLocation)

    /// Opens SQLite's file.
    static func sqlite(
        path: String,
        access: SQLiteDatabase.Access,
        limits: Limits,
        observer: TransactionObserver
    ) throws(Failure) -> OpenDatabase {
        .sqlite(
            try SQLiteDatabase(path: path, access: access, limits: limits, observer: observer, time: .system),
            path: path
        )
    }

    /// Takes a server; connections are made when they are needed.
    static func postgres(_ location: PostgresLocation, limits: Limits, observer: TransactionObserver) -> OpenDatabase {
        var control = PostgresDatabase.Configuration(primary: location.direct ?? location.configuration.primary)
        control.connections = 4
        control.preparesStatements = location.direct != nil || location.configuration.preparesStatements
        // A question that hangs is given up, and its connection with it, before its answer is of no use any more.
        var controlLimits = limits
        controlLimits.statementDuration = limits.nodePollDuration
        return .postgres(
            PostgresDatabase(location.configuration, limits: limits, observer: observer, time: .system),
            control: PostgresDatabase(control, limits: controlLimits, time: .system),
            location
        )
    }

    /// What the stores work on.
    var sql: any SQLDatabase {
        switch self {
        case .sqlite(let database, _): database
        case .postgres(let database, _, _): database
        }
    }

    /// Lets what runs end and closes everything.
    func close() async throws {
        switch self {
        case .sqlite(let database, _):
            try await database.close()
        case .postgres(let database, let control, _):
            await database.close()
            await control.close()
        }
    }

    /// Checks the database as far as the engine can, and says how it is.
    ///
    /// - Throws: `.unavailable` with what is wrong.
    func check() async throws -> String {
        switch self {
        case .sqlite(let database, _):
            let problems = try await database.integrityCheck()
            guard problems.isEmpty else {
                throw Failure(.unavailable, "\(problems.joined(separator: "; ")); restore a backup.")
            }
            let statistics = database.statistics
            return "whole, \(statistics.fileBytes) bytes, and \(statistics.logBytes) in the write-ahead log"
        case .postgres(let database, _, let location):
            let description = try await database.serverDescription()
            return "\(description) at \(location.configuration.primary)"
        }
    }

    /// Copies the database into a new file.
    ///
    /// - Throws: `.invalidRequest` for a server's, which has tools of its own.
    func backup(to path: String) async throws {
        guard case .sqlite(let database, _) = self else {
            throw Failure(
                .invalidRequest,
                "`witan backup` copies an SQLite database; back up PostgreSQL with pg_dump, as docs/operating.md shows."
            )
        }
        try await database.backup(to: path)
    }
}
