import Synchronization
import WitanCore
package import WitanStorage

/// A database that counts the statements which go through it to another, and can hold one transaction back.
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
    }

    private let base: any SQLDatabase
    private let state = Mutex(State())

    /// Records what goes to `base`.
    package init(_ base: any SQLDatabase) {
        self.base = base
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
        let value = try await base.read { try body(RecordingConnection(base: $0, record: self.record)) }
        await pass(.read)
        return value
    }

    /// Writes to the other database.
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        let value = try await base.write { try body(RecordingConnection(base: $0, record: self.record)) }
        await pass(.write)
        return value
    }

    private func record(_ query: SQLQuery) {
        state.withLock { $0.statements.append(query.text) }
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
