import Synchronization
import WitanStorage

/// A database whose process dies at a chosen transaction, as far as one who uses it can tell.
final class FaultyDatabase: SQLDatabase {
    /// When it dies.
    enum Fault: CaseIterable {
        /// Before the transaction has begun.
        case before
        /// After its last statement and before its commit.
        case insteadOfCommit
        /// After its commit and before anybody has heard of it.
        case afterCommit
    }

    /// What whoever waits for a transaction is left with.
    struct Crash: Error {}

    private let base: any SQLDatabase
    private let fault: Fault
    private let crashing: Int
    private let count = Atomic(0)
    private let beforeRead: @Sendable (any SQLDatabase) async throws -> Void

    /// Dies at the write of that number, counted from 1; `beforeRead` runs before each read.
    init(
        _ base: any SQLDatabase,
        at crashing: Int = .max,
        _ fault: Fault = .before,
        beforeRead: @escaping @Sendable (any SQLDatabase) async throws -> Void = { _ in }
    ) {
        self.base = base
        self.crashing = crashing
        self.fault = fault
        self.beforeRead = beforeRead
    }

    /// How many writes there were.
    var writes: Int { count.load(ordering: .sequentiallyConsistent) }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await beforeRead(base)
        return try await base.read(body)
    }

    @discardableResult
    func write<Value: Sendable>(
        _ concurrency: WriteConcurrency,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        guard count.add(1, ordering: .sequentiallyConsistent).newValue == crashing else {
            return try await base.write(concurrency, body)
        }
        switch fault {
        case .before:
            break
        case .insteadOfCommit:
            try await base.write(concurrency) { connection in
                _ = try body(connection)
                throw Crash()
            }
        case .afterCommit:
            try await base.write(concurrency, body)
        }
        throw Crash()
    }
}
