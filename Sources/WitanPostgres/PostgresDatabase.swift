package import WitanCore
package import WitanStorage

/// A PostgreSQL database, through a bounded number of connections.
///
/// Write transactions that wait at the same time share one commit, and read transactions one snapshot, as with SQLite.
/// Writes of all nodes are ordered by one lock in the database, exclusive or shared (`WriteConcurrency`).
package final class PostgresDatabase: SQLDatabase {
    /// Which server, and how it is used.
    package struct Configuration: Sendable {
        /// The server that everything is written to and decided by.
        package var primary: PostgresAddress

        /// A server that follows it, for what may be some moments old.
        package var replica: PostgresAddress?

        /// How many connections may be open at once, at least four, and as many again to the replica.
        package var connections = 16

        /// Whether statements are prepared once for each connection; not behind a pooler in transaction mode.
        package var preparesStatements = true

        /// One server, with the defaults.
        package init(primary: PostgresAddress) {
            self.primary = primary
        }
    }

    private let reads: PostgresLane
    private let staleReads: PostgresLane?
    private let writes: [WriteConcurrency: PostgresLane]

    /// Takes a database that need not be there yet: connections are made when they are needed.
    package init(
        _ configuration: Configuration,
        limits: Limits,
        observer: TransactionObserver = .none,
        time: TimeSource
    ) {
        func server(_ address: PostgresAddress, isReplica: Bool = false) -> PostgresServer {
            PostgresServer(
                address,
                isReplica: isReplica,
                preparesStatements: configuration.preparesStatements,
                limits: limits,
                time: time
            )
        }
        func lane(
            _ kind: PostgresLane.Kind,
            _ server: PostgresServer,
            _ name: String,
            _ connections: Int
        ) -> PostgresLane {
            PostgresLane(
                kind,
                server,
                name: name,
                connections: connections,
                share: Self.share,
                limits: limits,
                observer: observer,
                time: time
            )
        }
        let primary = server(configuration.primary)
        let writers = max(configuration.connections / 4, 1)
        let readers = max(configuration.connections - writers - 2, 1)
        reads = lane(.read, primary, "read", readers)
        staleReads = configuration.replica.map { lane(.read, server($0, isReplica: true), "replica", readers) }
        writes = [
            .alone: lane(.write(.alone), primary, "alone", 1),
            .concurrent: lane(.write(.concurrent), primary, "concurrent", writers),
            .transient: lane(.write(.transient), primary, "transient", 1),
        ]
    }

    /// Transactions that a worker takes from the queue at a time, and that must wait for another one to help.
    private static let share = 8

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await reads.run(body)
    }

    /// Runs `body` on the replica; on the primary without one, and while it is away.
    package func readStale<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        guard let staleReads else { return try await reads.run(body) }
        do {
            return try await staleReads.run(body)
        } catch let failure as Failure where Self.isOfServer(failure) {
            return try await reads.run(body)
        }
    }

    /// Whether the replica failed, or has not got so far, and not the statement: the primary may answer then.
    private static func isOfServer(_ failure: Failure) -> Bool {
        guard let error = failure.underlying as? PostgresError else { return false }
        return error.state != "57014" || !error.isLate
    }

    @discardableResult
    package func write<Value: Sendable>(
        _ concurrency: WriteConcurrency,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        guard let lane = writes[concurrency] else { throw Failure.bug("No connection writes \(concurrency)") }
        return try await lane.run(body)
    }

    /// The server's version and the size of the database, for people.
    package func serverDescription() async throws -> String {
        try await read { connection in
            let row = try connection.row(
                "SELECT current_setting('server_version'), pg_database_size(current_database())"
            )
            guard let row else { throw Failure.bug("The server does not say its version") }
            return "PostgreSQL \(try row.text(0)), \(try row.integer(1)) bytes"
        }
    }

    /// Refuses what waits, lets what runs end, and closes the connections.
    package func close() async {
        let lanes = [reads, staleReads].compactMap { $0 } + writes.values
        for lane in lanes { lane.refuse() }
        for lane in lanes { await lane.close() }
    }
}
