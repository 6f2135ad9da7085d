import Dispatch
import GRDB
import GRDBSQLite
package import WitanCore
package import WitanStorage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An SQLite database in one file, for the one process that serves from its folder (`DataFolderLock`).
///
/// Write transactions that wait at the same time share one commit, and read transactions one snapshot: with the disk's
/// answer to wait for, or a thread to wake, most of a transaction's cost is paid once per group. Nothing waits for a
/// group to fill up: a lone transaction starts at once, and what arrives meanwhile makes up the next group.
package final class SQLiteDatabase: SQLDatabase {
    /// What an opened database is for.
    package enum Access: Sendable {
        /// Reads and writes, in the one process that holds the folder's lock.
        case readWrite
        /// Reads, also beside that process: it never writes, nor moves the write-ahead log into the file.
        case readOnly
    }

    /// One connection that writes and several that read.
    ///
    /// The one that writes also moves the write-ahead log into the file, and no other does: up to 3.51.2 SQLite may
    /// damage a database when one connection does that while another commits (https://sqlite.org/wal.html#walresetbug).
    let pool: DatabasePool

    /// Where work that takes long and is no transaction waits: a backup, a check.
    let maintenance = DispatchQueue(label: "SQLiteDatabase.maintenance")

    private let writes: TransactionQueue
    private let reads: TransactionQueue
    private let readers: [DispatchQueue]
    private let watch = DispatchQueue(label: "SQLiteDatabase.watch")
    private let limits: Limits
    private let observer: WitanStorage.TransactionObserver
    private let time: TimeSource

    /// Opens the database at `path`, or makes an empty one, whose file none but its owner can use, in a folder that
    /// exists.
    ///
    /// Only the file's head and its schema are checked: all pages of a large file would take seconds or minutes, which
    /// is for `integrityCheck()`. A damaged page that is met later is `.unavailable` with a sentence.
    ///
    /// - Throws: `.unavailable` with a sentence that says what is wrong with the file or its folder.
    package init(
        path: String,
        access: Access = .readWrite,
        limits: Limits,
        observer: WitanStorage.TransactionObserver = .none,
        time: TimeSource
    ) throws(Failure) {
        if access == .readWrite { try DatabaseFile.prepare(at: path) }
        do {
            pool = try DatabasePool(path: path, configuration: Self.configuration(limits, access))
            // GRDB sets NORMAL, which may lose the last commits in a power cut: a key that is shown once must not be.
            try pool.writeWithoutTransaction { database in try database.execute(sql: "PRAGMA synchronous = FULL") }
        } catch {
            throw .sqlite(error)
        }
        self.limits = limits
        self.observer = observer
        self.time = time
        readers = (0..<Sizes.readers).map { DispatchQueue(label: "SQLiteDatabase.reader.\($0)") }
        writes = TransactionQueue(
            capacity: limits.queuedTransactions,
            groupLimit: limits.transactionsPerGroup,
            workers: 1,
            share: limits.transactionsPerGroup,
            takesLatecomers: true,
            patience: limits.transactionWaitDuration,
            time: time
        )
        reads = TransactionQueue(
            capacity: limits.queuedTransactions,
            groupLimit: limits.transactionsPerGroup,
            workers: Sizes.readers,
            share: Sizes.readsAtATime,
            takesLatecomers: false,
            patience: limits.transactionWaitDuration,
            time: time
        )
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await wait(in: reads, body) { arrival in
            switch arrival {
            case .start(let reader): startReader(reader)
            case .watch: watchReads()
            case .none: break
            }
        }
    }

    @discardableResult
    package func write<Value: Sendable>(
        _ concurrency: WriteConcurrency,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await wait(in: writes, body) { arrival in
            if case .start = arrival { self.pool.asyncWriteWithoutTransaction(self.runWriter) }
        }
    }

    /// Refuses what waits, lets what runs end, moves the write-ahead log into the file, and closes the file.
    package func close() async throws {
        writes.close()
        reads.close()
        try await maintain { [pool, readers] in
            // Whoever has been answered may still be about to give a connection back.
            for reader in readers { reader.sync {} }
            // The writer then closes last, and the last to close removes the write-ahead log.
            pool.invalidateReadOnlyConnections()
            try pool.close()
        }
    }

    /// Throws what a closed database answers; exact where it is asked on the queue that closing waits for.
    func requireOpen() throws(Failure) {
        try writes.requireOpen()
    }

    // MARK: Waiting

    private func wait<Value: Sendable>(
        in queue: TransactionQueue,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        react: (TransactionQueue.Arrival) -> Void
    ) async throws -> Value {
        let ticket = queue.takeTicket()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let transaction = QueuedTransaction(body, ticket: ticket, caller: continuation)
                do {
                    react(try queue.append(transaction))
                } catch {
                    transaction.refuse(error)
                }
            }
        } onCancel: {
            queue.remove(ticket)?.refuse(CancellationError())
        }
    }

    // MARK: Writing

    @Sendable
    private func runWriter(_ database: Database) {
        while let group = writes.beginGroup(for: 0) {
            write(group, on: database)
            moveLogIfDue(database)
        }
    }

    private func write(_ group: TransactionQueue.Group, on database: Database) {
        let begin = time.monotonic()
        var group = group
        let (count, deliveries) = withConnection(database) { connection in
            var members = WriteGroup(on: connection)
            var transactions = writes.next(in: &group)
            while !transactions.isEmpty {
                for transaction in transactions { members.add(transaction) }
                letOthersAsk(writes)
                transactions = writes.next(in: &group)
            }
            return (members.count, members.commit())
        }
        tellObserver(.write, count, since: begin)
        for deliver in deliveries { deliver() }
    }

    /// Moves the write-ahead log into the file once it is long, after the callers were answered: sooner when nobody
    /// waits, and at a length where the pause is still short even if somebody always does.
    private func moveLogIfDue(_ database: Database) {
        var pages: CInt = 0
        var unused: CInt = 0
        sqlite3_db_status(database.sqliteConnection, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &unused, 0)
        guard pages >= (writes.isEmpty ? Sizes.logPagesWhenIdle : Sizes.logPagesWhenBusy) else { return }
        // What cannot be moved, because a reader still needs the log or the disk fails, stays in the log and is safe.
        sqlite3_wal_checkpoint_v2(database.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        sqlite3_db_status(database.sqliteConnection, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &unused, 1)
    }

    // MARK: Reading

    private func startReader(_ reader: Int) {
        readers[reader].async { self.runReader(reader) }
    }

    /// Starts a further reader when somebody still waits after a moment: a slow read holds up nobody for longer.
    private func watchReads() {
        watch.asyncAfter(deadline: .now() + .milliseconds(1)) {
            let (reader, looksAgain) = self.reads.relief()
            if let reader { self.startReader(reader) }
            if looksAgain { self.watchReads() }
        }
    }

    private func runReader(_ reader: Int) {
        do {
            try pool.unsafeRead { database in
                while let group = reads.beginGroup(for: reader) {
                    read(group, on: database)
                    letOthersAsk(reads)
                }
            }
        } catch {
            // No connection could be had for them.
            while var group = reads.beginGroup(for: reader) {
                var transactions = reads.next(in: &group)
                while !transactions.isEmpty {
                    for transaction in transactions { transaction.refuse(Failure.sqlite(error)) }
                    transactions = reads.next(in: &group)
                }
            }
        }
    }

    private func read(_ group: TransactionQueue.Group, on database: Database) {
        let begin = time.monotonic()
        var group = group
        var count = 0
        withConnection(database) { connection in
            var refusal: Failure?
            do throws(Failure) {
                // The snapshot is taken by the first statement, thus after all of the group were asked for.
                try connection.perform(.beginRead)
            } catch {
                refusal = error
            }
            var transactions = reads.next(in: &group)
            while !transactions.isEmpty {
                count += transactions.count
                for transaction in transactions {
                    if let refusal { transaction.refuse(refusal) } else { transaction.run(connection).deliver() }
                }
                transactions = reads.next(in: &group)
            }
            // There is nothing to commit.
            connection.rollBack()
        }
        tellObserver(.read, count, since: begin)
    }

    // MARK: Both

    /// Gives way for a moment while nothing waits.
    ///
    /// Under load others are about to ask: a commit that they share, or a reader that need not be woken again, is worth
    /// more than the moment. When nobody else wants the processor there is no moment.
    private func letOthersAsk(_ queue: TransactionQueue) {
        for _ in 0..<Sizes.turnsForOthers where queue.isEmpty { sched_yield() }
    }

    private func withConnection<Result>(_ database: Database, _ body: (SQLiteConnection) -> Result) -> Result {
        let deadline = StatementDeadline(limits.statementDuration, time: time)
        return deadline.watching(database.sqliteConnection) {
            body(SQLiteConnection(database, deadline: deadline))
        }
    }

    private func tellObserver(_ kind: WitanStorage.TransactionObserver.Kind, _ count: Int, since begin: Int64) {
        // None when another worker was quicker, or the callers went away.
        guard count > 0 else { return }
        observer.didFinish(kind, count, .nanoseconds(time.monotonic() - begin))
    }
}
