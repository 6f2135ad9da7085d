import Synchronization
import WitanCore

/// The transactions that wait for a worker, in the order in which they came, and the workers that wait for them.
///
/// A worker takes a group: what waits when the group begins, one transaction at a time, so that while a slow one runs
/// the other workers can take the rest. What comes later is for the next group, whose snapshot is younger.
final class TransactionQueue: Sendable {
    /// Names a caller, who may go away while he waits.
    struct Ticket: Hashable {
        fileprivate let number: Int
    }

    /// A worker's right to take what waited when its group began.
    struct Group {
        fileprivate let lastArrival: Int
        fileprivate var room: Int
    }

    private struct Entry {
        let ticket: Ticket
        let arrival: Int
        /// The moment, in nanoseconds of the monotonic clock, after which nobody waits for it any more.
        let deadline: Int64
        let transaction: QueuedTransaction
    }

    private struct State {
        var waiting: [Entry] = []
        var idleWorkers: [Int]
        var lastArrival = 0
        var isClosed = false
    }

    private let state: Mutex<State>
    private let lastTicket = Atomic(0)
    private let capacity: Int
    private let groupLimit: Int
    private let patience: Duration
    private let time: TimeSource

    /// All workers are idle at first; `patience` is how long a transaction may wait for one.
    init(capacity: Int, groupLimit: Int, workers: Int, patience: Duration, time: TimeSource) {
        self.patience = patience
        self.time = time
        self.capacity = capacity
        self.groupLimit = groupLimit
        state = Mutex(State(idleWorkers: Array((0..<workers).reversed())))
    }

    /// A name for a caller who is about to wait.
    func takeTicket() -> Ticket {
        Ticket(number: lastTicket.add(1, ordering: .relaxed).newValue)
    }

    /// Adds a transaction of the current task's and returns the idle worker that must now be started, if there is one.
    ///
    /// - Throws: `CancellationError`, or `.unavailable` when too many wait or the database is closed.
    func append(_ transaction: QueuedTransaction, ticket: Ticket) throws -> Int? {
        let deadline = time.monotonic() + Int64(patience / .nanoseconds(1))
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
                Entry(ticket: ticket, arrival: state.lastArrival, deadline: deadline, transaction: transaction)
            )
            return state.idleWorkers.popLast()
        }
    }

    /// Takes a transaction out that no worker has taken yet.
    func remove(_ ticket: Ticket) -> QueuedTransaction? {
        state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
            return state.waiting.remove(at: index).transaction
        }
    }

    /// Begins a worker's next group; when nothing waits the worker is idle from now on, and there is none.
    func beginGroup(for worker: Int) -> Group? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.idleWorkers.append(worker)
                return nil
            }
            return Group(lastArrival: state.lastArrival, room: groupLimit)
        }
    }

    /// Takes the group's next transaction; none when the group is full or nothing of it waits any more.
    func next(in group: inout Group) -> QueuedTransaction? {
        guard group.room > 0 else { return nil }
        group.room -= 1
        let now = time.monotonic()
        while let entry = takeFirst(of: group) {
            if now <= entry.deadline { return entry.transaction }
            entry.transaction.refuse(Self.late)
        }
        return nil
    }

    private func takeFirst(of group: Group) -> Entry? {
        state.withLock { state in
            guard let first = state.waiting.first, first.arrival <= group.lastArrival else { return nil }
            return state.waiting.removeFirst()
        }
    }

    /// Whether nothing waits.
    var isEmpty: Bool { state.withLock(\.waiting.isEmpty) }

    /// Refuses what waits and whatever comes from now on.
    func close() {
        let refused = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for entry in refused { entry.transaction.refuse(Self.closed) }
    }

    /// Throws what a closed database answers.
    func requireOpen() throws(Failure) {
        if state.withLock(\.isClosed) { throw Self.closed }
    }

    private static let late = Failure(
        .unavailable,
        "The database took too long to get to this request: try again shortly.",
        retryAfter: .seconds(1)
    )

    private static let closed = Failure(.unavailable, "The database is closed: the server is stopping.")
}
