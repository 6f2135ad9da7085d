import Synchronization
package import WitanCore
package import WitanStorage
package import WitanTelemetry

/// Where changes wait until the other nodes have applied them: all of a process's with one look at the rows at a time.
package final class ClusterWaiter: Sendable {
    private struct State {
        var waits: ChangeWaits
        var own: ObjectID?
        var callers: [ChangeWaits.Ticket: CheckedContinuation<Void, Never>] = [:]
        /// Ended before their callers came to wait.
        var ended: Set<ChangeWaits.Ticket> = []
        var isFollowing = false
        var isLooking = false
    }

    private let state: Mutex<State>
    private let database: any SQLDatabase
    private let store: ClusterStore
    private let metrics: ClusterMetrics
    private let ids: ObjectIDGenerator
    private let time: TimeSource
    private let limits: Limits
    private let pause: @Sendable (Duration) async -> Void
    private let (wakeUps, wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Takes where the rows are; `pause` waits for as long, or until its task is cancelled.
    package init(
        database: any SQLDatabase,
        store: ClusterStore,
        metrics: ClusterMetrics,
        ids: ObjectIDGenerator,
        time: TimeSource,
        limits: Limits = Limits(),
        pause: @escaping @Sendable (Duration) async -> Void = { await ChangeTimer().wait(atMost: $0) }
    ) {
        self.database = database
        self.store = store
        self.metrics = metrics
        self.ids = ids
        self.time = time
        self.limits = limits
        self.pause = pause
        state = Mutex(State(waits: ChangeWaits(limits: limits)))
    }

    /// The registration of this process, which it does not wait for; nil while it has none.
    package func setOwn(_ id: ObjectID?) {
        state.withLock { $0.own = id }
    }

    /// Returns when no other node uses what the change made wrong, after `Limits.changeWaitDuration` at the latest.
    ///
    /// Must be called after the commit has been answered and before anybody is told of the change. One that is not this
    /// process's own (`isOwn`) must be applied by this one too.
    ///
    /// - Throws: `CancellationError` when the task is cancelled: then nobody may be told.
    package func wait(for sequence: Int64, isOwn: Bool = true) async throws {
        let start = time.monotonic()
        let ticket = state.withLock { $0.waits.join(sequence, isOwn: isOwn, at: start) }
        wakeUp.yield()
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await self.end(of: ticket)
                return true
            }
            group.addTask {
                await self.deadline(of: ticket)
                return true
            }
            // A command has nobody who looks for it.
            group.addTask {
                await self.lookUnlessSomebodyDoes()
                return false
            }
            for await isOver in group where isOver { break }
            group.cancelAll()
        }
        state.withLock { state in
            state.waits.leave(ticket)
            state.ended.remove(ticket)
        }
        try Task.checkCancellation()
        metrics.wait.observe(time.monotonic() - start)
    }

    /// Looks at the rows for all that wait, until the task is cancelled; once for a waiter.
    package func run() async {
        state.withLock { $0.isLooking = true }
        defer { state.withLock { $0.isLooking = false } }
        await withDiscardingTaskGroup { group in
            for await _ in wakeUps {
                while !Task.isCancelled, !state.withLock({ $0.waits.isEmpty }) {
                    let orders = await look()
                    // Beside the next looks, for which changes wait.
                    if !orders.isEmpty, beginFollowing() { group.addTask { await self.follow(orders) } }
                    await pause(limits.nodeReadInterval)
                }
            }
            group.cancelAll()
        }
    }

    // MARK: Steps

    private func lookUnlessSomebodyDoes() async {
        let isAlone = state.withLock { state in
            defer { state.isLooking = true }
            return !state.isLooking
        }
        guard isAlone else { return }
        defer { state.withLock { $0.isLooking = false } }
        while !Task.isCancelled {
            let orders = await look()
            if !orders.isEmpty, beginFollowing() { await follow(orders) }
            await pause(limits.nodeReadInterval)
        }
    }

    private func look() async -> [NodeWatch.Order] {
        let reading = state.withLock { $0.waits.beginReading() }
        var members: [ClusterMember]?
        do {
            members = try await database.read { [store] in try store.members(on: $0) }
        } catch {
            // Those who wait do so until the leases of the others are over, whether the database answers or not.
            members = nil
        }
        let now = time.monotonic()
        let (callers, orders) = state.withLock { state in
            let (done, orders) = state.waits.endReading(reading, members, own: state.own, at: now)
            let callers = done.compactMap { ticket in
                let caller = state.callers.removeValue(forKey: ticket)
                if caller == nil { state.ended.insert(ticket) }
                return caller
            }
            return (callers, orders)
        }
        for caller in callers { caller.resume() }
        return orders
    }

    private func beginFollowing() -> Bool {
        state.withLock { state in
            defer { state.isFollowing = true }
            return !state.isFollowing
        }
    }

    private func follow(_ orders: [NodeWatch.Order]) async {
        await store.follow(orders, in: database, ids: ids)
        state.withLock { $0.isFollowing = false }
    }

    private func end(of ticket: ChangeWaits.Ticket) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if Task.isCancelled || state.ended.contains(ticket) { return true }
                    state.callers[ticket] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.callers.removeValue(forKey: ticket) }?.resume()
        }
    }

    private func deadline(of ticket: ChangeWaits.Ticket) async {
        while !Task.isCancelled {
            let rest = ticket.deadline - time.monotonic()
            guard rest > 0 else { return }
            await pause(.nanoseconds(rest))
        }
    }
}

extension ClusterStore {
    /// Does what an observer has concluded; what cannot be done now is concluded again.
    func follow(_ orders: [NodeWatch.Order], in database: any SQLDatabase, ids: ObjectIDGenerator) async {
        guard !orders.isEmpty else { return }
        let eviction = ids.next()
        do {
            try await database.write(.transient) { connection in
                for order in orders {
                    switch order {
                    case .refuse(let member): try refuse(member, eviction: eviction, on: connection)
                    case .remove(let id, let eviction): try remove(id, eviction: eviction, on: connection)
                    }
                }
            }
        } catch {
            // Whoever looks next finds the same.
        }
    }
}
