import Synchronization
import WitanCore
package import WitanStorage

/// A database that counts the statements which go through it to another, can hold one transaction back, and can be away.
package final class SQLRecorder: SQLDatabase {
    /// Whether a transaction only reads.
    package enum Kind: Sendable {
        /// It sees a snapshot.
        case read
        /// It changes rows.
        case write
    }

    private struct State {
        var statements: [String] = []
        var checkpoints: [Kind: Checkpoint] = [:]
        var isAway = false
    }

    /// The database itself.
    let base: any SQLDatabase

    private let state = Mutex(State())

    /// Records what goes to `base`.
    package init(_ base: any SQLDatabase) {
        self.base = base
    }

    /// Whether every transaction that begins is refused, as by a server that does not answer.
    package var isAway: Bool {
        get { state.withLock(\.isAway) }
        set { state.withLock { $0.isAway = newValue } }
    }

    /// How many statements have run.
    package var count: Int { state.withLock(\.statements.count) }

    /// How many statements have run that begin like this.
    package func count(of beginning: String) -> Int {
        state.withLock { $0.statements.count { $0.hasPrefix(beginning) } }
    }

    /// The texts of the statements that ran while `body` did, in order.
    package func statements(during body: () async throws -> Void) async rethrows -> [String] {
        let before = state.withLock { $0.statements.count }
        try await body()
        return state.withLock { Array($0.statements[before...]) }
    }

    /// Stops the next transaction of that kind when it has ended, before whoever began it learns of that.
    package func holdNext(_ kind: Kind) -> Checkpoint {
        let checkpoint = Checkpoint()
        state.withLock { $0.checkpoints[kind] = checkpoint }
        return checkpoint
    }

    /// Reads from the other database.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try requirePresence()
        let value = try await base.read { try body(RecordingConnection(base: $0, record: self.record)) }
        await pass(.read)
        return value
    }

    /// Reads from the other database what may be old.
    package func readStale<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try requirePresence()
        let value = try await base.readStale { try body(RecordingConnection(base: $0, record: self.record)) }
        await pass(.read)
        return value
    }

    /// Writes to the other database.
    @discardableResult
    package func write<Value: Sendable>(
        _ concurrency: WriteConcurrency,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try requirePresence()
        let value = try await base.write(concurrency) { try body(RecordingConnection(base: $0, record: self.record)) }
        await pass(.write)
        return value
    }

    private func record(_ query: SQLQuery) {
        state.withLock { $0.statements.append(query.text) }
    }

    private func requirePresence() throws(Failure) {
        if isAway { throw Failure(.unavailable, "The database is away.", retryAfter: .seconds(1)) }
    }

    private func pass(_ kind: Kind) async {
        await state.withLock { $0.checkpoints.removeValue(forKey: kind) }?.pass()
    }
}

/// A connection that tells of each statement before it runs.
private struct RecordingConnection: SQLConnection {
    let base: any SQLConnection
    let record: (SQLQuery) -> Void

    var dialect: SQLDialect { base.dialect }

    func rows(_ query: SQLQuery) throws(Failure) -> [SQLRow] {
        record(query)
        return try base.rows(query)
    }

    func run(_ query: SQLQuery) throws(Failure) -> Int {
        record(query)
        return try base.run(query)
    }

    func pendingChange(_ name: String) -> (any PendingChange)? { base.pendingChange(name) }

    func setPendingChange(_ name: String, _ change: any PendingChange) { base.setPendingChange(name, change) }
}
