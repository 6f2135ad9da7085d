import ArgumentParser
import Foundation
import WitanAccess
import WitanCore
import WitanPostgres
import WitanServices

/// Where the server's data is; every command that works on it takes these.
struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            The folder of the database and the secrets; with PostgreSQL, of the secrets alone. (default: ./witan-data) \
            [WITAN_DATA]
            """,
            valueName: "folder"
        )
    )
    var data: String?

    @Option(
        help: ArgumentHelp(
            "The secrets, when they are not in the data folder. [WITAN_SECRETS; or the text itself in WITAN_SECRETS_TEXT]",
            valueName: "file"
        )
    )
    var secrets: String?

    @Option(
        help: ArgumentHelp(
            """
            A PostgreSQL database in place of the one in the data folder: postgres://USER@HOST:PORT/NAME. One with a \
            password does not belong on a command line. [WITAN_DATABASE_URL; or a file that holds it in \
            WITAN_DATABASE_URL_FILE]
            """,
            valueName: "url"
        )
    )
    var databaseURL: String?

    @Option(
        help: ArgumentHelp(
            "The same database past a pooler, for LISTEN and for what must not wait. [WITAN_DATABASE_DIRECT_URL]",
            valueName: "url"
        )
    )
    var databaseDirectURL: String?

    @Option(
        help: ArgumentHelp(
            "A replica of it for lists that may be some moments old. [WITAN_DATABASE_REPLICA_URL]",
            valueName: "url"
        )
    )
    var databaseReplicaURL: String?

    @Option(
        help: ArgumentHelp(
            "How many connections to it may be open. (default: 16) [WITAN_DATABASE_CONNECTIONS]",
            valueName: "n"
        )
    )
    var databaseConnections: Int?

    @Option(
        help: ArgumentHelp(
            "What stands before it: none, or transaction for a pooler in that mode. (default: none) [WITAN_DATABASE_POOLER]",
            valueName: "kind"
        )
    )
    var databasePooler: String?

    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// The data folder.
    var folder: String { data ?? Self.environment["WITAN_DATA"] ?? "./witan-data" }

    /// The secrets.
    var secretsStore: SecretsStore {
        if secrets == nil, let text = Self.environment["WITAN_SECRETS_TEXT"] { return .text(text) }
        return .file(path: secrets ?? Self.environment["WITAN_SECRETS"] ?? "\(folder)/secrets")
    }

    /// Their names: what takes settings too refuses these among them, or one that is nearly this.
    static let names =
        ["data", "secrets", "database-url", "database-direct-url", "database-replica-url"]
        + ["database-connections", "database-pooler"]

    /// The database.
    ///
    /// - Throws: an error that names the option whose value cannot be used.
    var location: DatabaseLocation {
        get throws {
            let direct = databaseDirectURL ?? Self.environment["WITAN_DATABASE_DIRECT_URL"]
            let replica = databaseReplicaURL ?? Self.environment["WITAN_DATABASE_REPLICA_URL"]
            let number = databaseConnections.map(String.init) ?? Self.environment["WITAN_DATABASE_CONNECTIONS"]
            let pooler = databasePooler ?? Self.environment["WITAN_DATABASE_POOLER"]
            guard let url = try url else {
                for (name, value) in [
                    ("database-direct-url", direct), ("database-replica-url", replica),
                    ("database-connections", number), ("database-pooler", pooler),
                ] where value != nil {
                    throw UsageError.misconfigured(name, "is for PostgreSQL: --database-url is needed beside it")
                }
                return .sqlite(folder: folder)
            }
            for (name, value) in [
                ("database-url", url), ("database-direct-url", direct), ("database-replica-url", replica),
            ] {
                try Self.requireAddress(name, value)
            }
            guard let connections = Int(number ?? "16"), (4...1_000).contains(connections) else {
                throw UsageError.misconfigured("database-connections", "must be a whole number from 4 to 1000")
            }
            guard let pooler = PostgresLocation.Pooler(rawValue: pooler ?? "none") else {
                throw UsageError.misconfigured("database-pooler", "must be none or transaction")
            }
            return .postgres(
                try PostgresLocation(
                    url: url,
                    directURL: direct,
                    replicaURL: replica,
                    connections: connections,
                    pooler: pooler
                )
            )
        }
    }

    private static func requireAddress(_ name: String, _ url: String?) throws {
        do {
            _ = try url.map { url throws(Failure) in try PostgresAddress(url: url) }
        } catch {
            throw UsageError.misconfigured(name, "cannot be used: \(error.message)")
        }
    }

    private var url: String? {
        get throws {
            if let url = databaseURL ?? Self.environment["WITAN_DATABASE_URL"] { return url }
            guard let path = Self.environment["WITAN_DATABASE_URL_FILE"] else { return nil }
            do {
                return try PlainFile.read(path).trimmingCharacters(in: .whitespacesAndNewlines)
            } catch {
                throw UsageError("WITAN_DATABASE_URL_FILE must name a readable file; \(path) cannot be read.")
            }
        }
    }
}
