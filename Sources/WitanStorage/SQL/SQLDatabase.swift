package import WitanCore

/// A connection inside one transaction, valid only inside the closure that it is given to.
///
/// A statement that fails throws a `Failure` without values in its text: `.conflict` for a unique key that exists,
/// `.invalidRequest` for a reference to nothing and for what not all engines can keep (U+0000 in a text, NaN),
/// `.unavailable` for a database that is away, locked, full or read-only, `.bug` for everything else.
package protocol SQLConnection {
    /// What this engine writes differently.
    var dialect: SQLDialect { get }

    /// Runs a statement and returns its rows, all of them.
    func rows(_ query: SQLQuery) throws(Failure) -> [SQLRow]

    /// Runs a statement and returns how many rows it inserted, changed or deleted.
    @discardableResult
    func run(_ query: SQLQuery) throws(Failure) -> Int

    /// What a store has set under a name since the last commit, in this transaction or in one that shares its commit.
    func pendingChange(_ name: String) -> (any PendingChange)?

    /// Sets what is written before the commit; forgotten again when the transaction is undone.
    func setPendingChange(_ name: String, _ change: any PendingChange)
}

/// A change that a store keeps in memory while transactions share a commit, to write it once for all of them.
package protocol PendingChange: Sendable {
    /// Writes the change, as the last thing before the commit.
    func write(on connection: any SQLConnection) throws(Failure)
}

extension SQLConnection {
    /// Runs a statement and returns its first row, if there is one.
    package func row(_ query: SQLQuery) throws(Failure) -> SQLRow? {
        try rows(query).first
    }
}

/// A database that runs read and write transactions.
///
/// A conforming type never blocks a thread of Swift's cooperative pool or of an event loop. Transactions that wait at
/// the same time may share one commit or one snapshot, so `body` must depend on nothing but its connection and its
/// captures, and must not wait for anything.
package protocol SQLDatabase: Sendable {
    /// Runs `body` in a snapshot that holds every write that was answered before this call.
    ///
    /// - Throws: what `body` throws; `.unavailable` when too many transactions wait or the database is away;
    ///   `CancellationError` when the task was cancelled before `body` began.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value

    /// Runs `body` in a snapshot that may be some moments old, on a replica where there is one.
    ///
    /// For what nobody decides by, such as a list of the audit log.
    ///
    /// - Throws: as `read`.
    func readStale<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value

    /// Runs `body` in a transaction and returns once its changes are durable; an error undoes all of them.
    ///
    /// `body` may be run more than once, each time with the changes of the time before undone.
    ///
    /// - Throws: as `read`. After a cancellation or a deadline the transaction may still have been committed.
    @discardableResult
    func write<Value: Sendable>(
        _ concurrency: WriteConcurrency,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value
}

/// What other writes may run beside one, on whichever node; an engine may allow fewer.
package enum WriteConcurrency: Sendable, Hashable, CaseIterable {
    /// Concurrent ones: what it decides by, which only others of its kind change, stays as it is until it is committed.
    case alone

    /// Any: it changes nothing that others decide by. Rows without which it would be wrong it must keep
    /// (`SQLDialect.keepingRows`).
    ///
    /// When a unique value turns out to have been taken meanwhile, it is run again and finds the row that has it.
    case concurrent

    /// Any: it touches what no other write reads, and may be lost with the database's last moments.
    case transient
}

extension SQLDatabase {
    /// Runs `body` as a write that none but concurrent ones run beside.
    @discardableResult
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await write(.alone, body)
    }

    /// Runs `body` as any other read: there is no replica.
    package func readStale<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await read(body)
    }

    /// Asks the database for an answer, and throws `.unavailable` when there is none.
    package func ping() async throws {
        _ = try await read { connection in try connection.row("SELECT 1") }
    }
}
