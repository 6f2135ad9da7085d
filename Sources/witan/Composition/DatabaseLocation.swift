import WitanCore
import WitanPostgres

/// Where the database is: in the data folder, or on a PostgreSQL server.
enum DatabaseLocation: Sendable {
    /// The file `witan.db` in a folder.
    case sqlite(folder: String)
    /// A PostgreSQL server.
    case postgres(PostgresLocation)
}

/// A PostgreSQL server, and the ways to it.
struct PostgresLocation: Sendable {
    /// How requests get there.
    var configuration: PostgresDatabase.Configuration

    /// A way that no pooler stands in, for what must not wait and for LISTEN; nil when there is none.
    var direct: PostgresAddress?

    /// What stands between the server and the database.
    enum Pooler: String, CaseIterable, Sendable {
        /// Nothing, or a pooler that gives each client a connection of its own.
        case none
        /// One that gives out a connection for each transaction, such as pgbouncer in that mode.
        case transaction
    }

    /// Reads the settings, which say which one is wrong.
    init(url: String, directURL: String?, replicaURL: String?, connections: Int, pooler: Pooler) throws(Failure) {
        configuration = PostgresDatabase.Configuration(primary: try PostgresAddress(url: url))
        configuration.replica = try replicaURL.map { text throws(Failure) in try PostgresAddress(url: text) }
        configuration.connections = connections
        configuration.preparesStatements = pooler == .none
        direct = try directURL.map { text throws(Failure) in try PostgresAddress(url: text) }
        if direct == nil, pooler == .none { direct = configuration.primary }
    }
}
