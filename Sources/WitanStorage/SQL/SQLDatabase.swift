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

    /// Runs `body` in a transaction and returns once its changes are durable; an error undoes all of them.
    ///
    /// - Throws: as `read`. After a cancellation or a deadline the transaction may still have been committed.
    @discardableResult
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value
}

extension SQLDatabase {
    /// Asks the database for an answer, and throws `.unavailable` when there is none.
    package func ping() async throws {
        _ = try await read { connection in try connection.row("SELECT 1") }
    }
}
