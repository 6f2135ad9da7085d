import Dispatch
import Synchronization
import WitanCore
import WitanStorage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Transactions of one kind, and the connections that run them.
final class PostgresLane: Sendable {
    /// What the transactions of a lane have in common.
    enum Kind: Sendable {
        /// They see a snapshot.
        case read
        /// They change rows, beside others as it says.
        case write(WriteConcurrency)
    }

    private let kind: Kind
    private let opening: PostgresOpening
    private let queue: TransactionQueue
    private let workers: [PostgresWorker]
    private let withdrawals = PostgresWithdrawals()
    private let watch: DispatchQueue
    private let observer: TransactionObserver
    private let time: TimeSource

    /// How many transactions a worker takes at the most from the queue at a time.
    private let mostAtOnce: Int

    /// How long a group of writes goes on before it commits.
    private let groupDuration: Duration

    /// How many it takes now, as they are short or long.
    private let share: Atomic<Int>

    /// How often a worker gives way before it commits or goes to sleep.
    private static let turnsForOthers = 4

    /// How long a worker may be busy with what it takes from the queue at a time, in nanoseconds.
    ///
    /// Far from the server it takes one transaction, so that the others are left to workers that have nothing to do.
    private static let shareDuration: Int64 = 5_000_000

    /// Names the transactions and takes how many connections they may use at once, and how many of them a worker takes
    /// at a time before another one helps.
    init(
        _ kind: Kind,
        _ server: PostgresServer,
        name: String,
        connections: Int,
        share: Int,
        limits: Limits,
        observer: TransactionObserver,
        time: TimeSource
    ) {
        self.kind = kind
        opening = PostgresOpening(kind, limits)
        self.observer = observer
        self.time = time
        mostAtOnce = share
        groupDuration = limits.groupDuration
        self.share = Atomic(share)
        workers = (0..<connections)
            .map { [withdrawals] index in
                PostgresWorker(server, name: "\(name).\(index)", withdrawals: withdrawals, time: time)
            }
        watch = DispatchQueue(label: "PostgresDatabase.\(name).watch")
        queue = TransactionQueue(
            capacity: limits.queuedTransactions,
            groupLimit: limits.transactionsPerGroup,
            workers: connections,
            share: share,
            takesLatecomers: kind.isWrite,
            patience: limits.transactionWaitDuration,
            time: time
        )
    }

    /// Runs `body` in a transaction that it may share with others.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        let ticket = queue.takeTicket()
        defer { if Task.isCancelled { withdrawals.remove(ticket) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let transaction = QueuedTransaction(body, ticket: ticket, caller: continuation)
                do {
                    switch try queue.append(transaction) {
                    case .start(let worker): start(worker)
                    case .watch: watchQueue()
                    case .none: break
                    }
                } catch {
                    transaction.refuse(error)
                }
            }
        } onCancel: {
            if let transaction = queue.remove(ticket) {
                transaction.refuse(CancellationError())
            } else {
                withdrawals.insert(ticket)
                for worker in workers { worker.interrupt(ticket) }
            }
        }
    }

    /// Refuses what waits and whatever comes from now on.
    func refuse() {
        queue.close()
    }

    /// Lets what runs end, and closes the connections.
    func close() async {
        for worker in workers { await worker.close() }
    }

    // MARK: Workers

    private func start(_ index: Int) {
        workers[index]
            .async { session in
                while var group = self.queue.beginGroup(for: index) {
                    self.work(&group, session)
                }
            }
    }

    /// Starts a further worker when somebody still waits after a moment: a slow transaction holds up nobody for longer.
    private func watchQueue() {
        watch.asyncAfter(deadline: .now() + .milliseconds(1)) {
            let (worker, looksAgain) = self.queue.relief()
            if let worker { self.start(worker) }
            if looksAgain { self.watchQueue() }
        }
    }

    /// Runs what waits in transactions that it shares.
    private func work(_ group: inout TransactionQueue.Group, _ session: PostgresSession) {
        var members = PostgresGroup(kind, opening: opening, session)
        var begin = time.monotonic()
        // When a group of writes ends. It is counted from when the first has run, which alone may have waited so long.
        var last: Int64?
        while true {
            let start = time.monotonic()
            let transactions = queue.next(in: &group, atMost: share.load(ordering: .relaxed))
            guard !transactions.isEmpty else { break }
            for transaction in transactions {
                if let moment = last, time.monotonic() >= moment, !members.isRefused {
                    // Those that were taken with it are a group of their own.
                    end(members, since: begin)
                    members = PostgresGroup(kind, opening: opening, session)
                    begin = time.monotonic()
                    last = nil
                }
                members.add(transaction)
                if kind.isWrite, last == nil { last = time.monotonic() + groupDuration.nanoseconds }
            }
            let now = time.monotonic()
            let mean = max((now - start) / Int64(transactions.count), 1)
            share.store(Int(clamping: min(max(Self.shareDuration / mean, 1), Int64(mostAtOnce))), ordering: .relaxed)
            if members.isRefused { continue }
            if let last, now >= last { break }
            letOthersAsk()
        }
        end(members, since: begin)
    }

    private func end(_ group: consuming PostgresGroup, since begin: Int64) {
        group.end()
        // None when another worker was quicker, or the callers went away.
        guard group.count > 0 else { return }
        observer.didFinish(kind.isWrite ? .write : .read, group.count, .nanoseconds(time.monotonic() - begin))
    }

    /// Gives way for a moment while nothing waits: under load others are about to ask, and share what this one began.
    private func letOthersAsk() {
        for _ in 0..<Self.turnsForOthers where queue.isEmpty { sched_yield() }
    }
}

extension PostgresLane.Kind {
    /// Whether they change rows.
    var isWrite: Bool { if case .write = self { true } else { false } }
}
