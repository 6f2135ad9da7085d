import Synchronization
package import WitanCore

/// The transactions that wait for a worker, in the order in which they came, and the workers that wait for them.
///
/// A worker takes a group, a few transactions at a time: taking each by itself would cost more in locks than the
/// transaction does, and taking all would keep the other workers from the rest while a slow one runs. A group of reads
/// holds what waits when it begins, since what comes later needs a younger snapshot; a group of writes takes late comers
/// as well.
///
/// A further worker begins only when those at work have more before them than they take at a time, or let somebody wait
/// for too long: to wake a thread for each of many short transactions would cost more than they do.
package final class TransactionQueue: Sendable {
    /// Names a caller, who may go away while he waits.
    package struct Ticket: Hashable {
        fileprivate let number: Int
    }

    /// What is to be done after a transaction was added.
    package enum Arrival {
        /// Start the idle worker.
        case start(Int)
        /// Look after a moment whether somebody waits for too long, with `relief`.
        case watch
        /// Nothing: a worker will come to it.
        case none
    }

    /// A worker's right to take what waited when its group began.
    package struct Group {
        fileprivate let lastArrival: Int
        fileprivate var room: Int
    }

    private struct Entry {
        let arrival: Int
        /// The moment, in nanoseconds of the monotonic clock, after which nobody waits for it any more.
        let deadline: Int64
        let transaction: QueuedTransaction
    }

    private struct State {
        var waiting: [Entry] = []
        var idleWorkers: [Int]
        var lastArrival = 0
        var isWatched = false
        var arrivalAtLastLook = 0
        var isClosed = false
    }

    private let state: Mutex<State>
    private let lastTicket = Atomic(0)
    private let capacity: Int
    private let groupLimit: Int
    private let workers: Int
    private let share: Int
    private let takesLatecomers: Bool
    private let patience: Duration
    private let time: TimeSource

    /// All workers are idle at first; `share` is how many transactions a worker takes at a time, and `patience` how long
    /// one may wait.
    package init(
        capacity: Int,
        groupLimit: Int,
        workers: Int,
        share: Int,
        takesLatecomers: Bool,
        patience: Duration,
        time: TimeSource
    ) {
        self.share = share
        self.takesLatecomers = takesLatecomers
        self.patience = patience
        self.time = time
        self.capacity = capacity
        self.groupLimit = groupLimit
        self.workers = workers
        state = Mutex(State(idleWorkers: Array((0..<workers).reversed())))
    }

    /// A name for a caller who is about to wait.
    package func takeTicket() -> Ticket {
        Ticket(number: lastTicket.add(1, ordering: .relaxed).newValue)
    }

    /// Adds a transaction of the current task's and says what is to be done about it.
    ///
    /// - Throws: `CancellationError`, or `.unavailable` when too many wait or the database is closed.
    package func append(_ transaction: QueuedTransaction) throws -> Arrival {
        let deadline = min(time.monotonic() + patience.nanoseconds, TransactionDeadline.current ?? .max)
        return try state.withLock { state in
            // Under the lock, because a cancellation takes the lock too: it is either seen here or finds the entry.
            if Task.isCancelled { throw CancellationError() }
            if state.isClosed { throw Self.closed }
            guard state.waiting.count < capacity else {
                throw Failure(
                    .unavailable,
                    "Too many transactions wait for the database: try again shortly.",
                    retryAfter: .seconds(1)
                )
            }
            state.lastArrival += 1
            state.waiting.append(
                Entry(arrival: state.lastArrival, deadline: deadline, transaction: transaction)
            )
            let active = workers - state.idleWorkers.count
            if state.waiting.count > active * share, let worker = state.idleWorkers.popLast() { return .start(worker) }
            guard !state.idleWorkers.isEmpty, !state.isWatched else { return .none }
            state.isWatched = true
            state.arrivalAtLastLook = state.lastArrival
            return .watch
        }
    }

    /// The idle worker that must be started because somebody has waited since the last look, and whether to look again.
    package func relief() -> (worker: Int?, looksAgain: Bool) {
        state.withLock { state in
            guard let first = state.waiting.first, !state.idleWorkers.isEmpty else {
                state.isWatched = false
                return (nil, false)
            }
            defer { state.arrivalAtLastLook = state.lastArrival }
            return (first.arrival <= state.arrivalAtLastLook ? state.idleWorkers.popLast() : nil, true)
        }
    }

    /// Takes a transaction out that no worker has taken yet.
    package func remove(_ ticket: Ticket) -> QueuedTransaction? {
        state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0.transaction.ticket == ticket }) else { return nil }
            return state.waiting.remove(at: index).transaction
        }
    }

    /// Begins a worker's next group; when nothing waits the worker is idle from now on, and there is none.
    package func beginGroup(for worker: Int) -> Group? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.idleWorkers.append(worker)
                return nil
            }
            return Group(lastArrival: takesLatecomers ? .max : state.lastArrival, room: groupLimit)
        }
    }

    /// Takes the group's next transactions, a share of them or fewer; none when the group is full or nothing of it waits
    /// any more.
    package func next(in group: inout Group, atMost count: Int = .max) -> [QueuedTransaction] {
        let now = time.monotonic()
        let count = min(share, count)
        while true {
            let entries = state.withLock { [group] state in
                let entries = state.waiting.prefix(min(count, group.room)).prefix { $0.arrival <= group.lastArrival }
                state.waiting.removeFirst(entries.count)
                return Array(entries)
            }
            var transactions: [QueuedTransaction] = []
            for entry in entries {
                if now <= entry.deadline {
                    transactions.append(entry.transaction)
                } else {
                    entry.transaction.refuse(Self.late)
                }
            }
            group.room -= transactions.count
            if entries.isEmpty || !transactions.isEmpty { return transactions }
        }
    }

    /// Whether nothing waits.
    package var isEmpty: Bool { state.withLock(\.waiting.isEmpty) }

    /// Refuses what waits and whatever comes from now on.
    package func close() {
        let refused = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for entry in refused { entry.transaction.refuse(Self.closed) }
    }

    /// Throws what a closed database answers.
    package func requireOpen() throws(Failure) {
        if state.withLock(\.isClosed) { throw Self.closed }
    }

    private static let late = Failure(
        .unavailable,
        "The database took too long to get to this request: try again shortly.",
        retryAfter: .seconds(1)
    )

    private static let closed = Failure(.unavailable, "The database is closed: the server is stopping.")
}
