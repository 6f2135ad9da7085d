package import Logging
import Synchronization
import WitanAccess
package import WitanCore
package import WitanStorage
package import WitanTelemetry

/// A server among several on one database: it hears of the changes of the others in time, or trusts nothing it has cached.
package final class ClusterNode: Sendable {
    /// Makes the process's caches forget what the events have made wrong, before it returns.
    package typealias Follower = @Sendable ([ClusterEvent]) -> Void

    private struct State {
        var node: NodeState
        var watch: NodeWatch
        var nextCare: Int64
        /// The rows that were read for `care`, until it begins.
        var members: [ClusterMember]?
        var isCaring = false
        var isAway = false
    }

    private let state: Mutex<State>
    private let name: String
    private let cluster: Cluster
    private let control: any SQLDatabase
    private let follow: Follower
    private let signal: any ChangeSignal
    private let metrics: ClusterMetrics
    private let ids: ObjectIDGenerator
    private let time: TimeSource
    private let limits: Limits
    private let logger: Logger

    /// Takes what the node works with.
    ///
    /// `name` is for people; `control` as for `Cluster.shared`.
    package init(
        name: String,
        cluster: Cluster,
        control: any SQLDatabase,
        follow: @escaping Follower,
        signal: any ChangeSignal,
        metrics: ClusterMetrics,
        ids: ObjectIDGenerator,
        time: TimeSource,
        limits: Limits = Limits(),
        logger: Logger
    ) {
        self.name = name
        self.cluster = cluster
        self.control = control
        self.follow = follow
        self.signal = signal
        self.metrics = metrics
        self.ids = ids
        self.time = time
        self.limits = limits
        self.logger = logger
        state = Mutex(
            State(
                node: NodeState(limits: limits),
                watch: NodeWatch(limits: limits),
                nextCare: time.monotonic()
            )
        )
    }

    // MARK: Life

    /// Registers the node; to be called before the server listens.
    ///
    /// - Throws: `.conflict` for a clock that is far from the database's, `.unavailable` when the database is away or
    ///   there are too many nodes.
    package func join() async throws {
        try await Self.requireClock(near: control, time: time, limits: limits)
        try await ask()
    }

    /// Follows the changes of others until the task is cancelled, whatever happens to the database.
    package func run() async {
        await withDiscardingTaskGroup { group in
            if let waiter = cluster.waiter { group.addTask { await waiter.run() } }
            while !Task.isCancelled {
                let begin = time.monotonic()
                let isAnswered = await poll()
                // Beside the next questions, which must not wait for what others need to know less soon.
                if let members = membersToCareFor() { group.addTask { await self.care(members) } }
                // Others may wait to hear of what was just applied.
                if isAnswered, state.withLock({ $0.node.hasNews }) { continue }
                let rest = limits.nodePollInterval - .nanoseconds(time.monotonic() - begin)
                if rest > .zero { await signal.wait(atMost: rest) }
            }
            group.cancelAll()
        }
    }

    /// Asks once for the changes of others, or registers anew, and notes it when the database is away.
    ///
    /// Returns whether there was an answer.
    @discardableResult
    package func poll() async -> Bool {
        do {
            try await withTimeLimit(limits.nodePollDuration) { try await self.ask() }
            let wasAway = state.withLock { state in
                defer { state.isAway = false }
                return state.isAway
            }
            if wasAway { logger.info("The changes of other nodes can be asked for again.") }
            return true
        } catch {
            let wasAway = state.withLock { state in
                state.watch.blink(at: time.monotonic())
                defer { state.isAway = true }
                return state.isAway
            }
            if !wasAway, !Task.isCancelled {
                logger.warning(
                    "The changes of other nodes cannot be asked for: each credential is looked up in the database.",
                    metadata: ["error": "\(error)"]
                )
            }
            return false
        }
    }

    /// Uses nothing from memory any more and ends the registration, so that nobody waits for a node that is gone.
    package func leave() async {
        cluster.lease.set(nil)
        cluster.waiter?.setOwn(nil)
        guard let id = state.withLock({ $0.node.leave() }) else { return }
        do {
            try await control.write(.transient) { [store = cluster.store] in try store.leave(id, on: $0) }
        } catch {
            // The others find out by themselves.
            logger.warning("The node's registration could not be ended.", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Steps

    private func ask() async throws {
        let now = time.reading()
        let (request, isCareDue) = state.withLock { state in
            let isCareDue = time.monotonic() >= state.nextCare
            if isCareDue { state.nextCare = time.monotonic() + limits.nodeCareInterval.nanoseconds }
            return (state.node.begin(at: now, newID: ids.next), isCareDue)
        }
        do {
            let (answer, members) = try await send(request.question, withMembers: isCareDue)
            apply(answer, to: request)
            if let members { state.withLock { $0.members = members } }
        } catch {
            state.withLock { $0.node.fail(request.number) }
            throw error
        }
    }

    private func send(
        _ question: NodeState.Question,
        withMembers: Bool
    ) async throws -> (NodeState.Answer, [ClusterMember]?) {
        switch question {
        case .register(let id, let old):
            let now = time.now()
            // Durable, unlike what follows: no change may come to think that the node is not there.
            let clock = try await control.write(.concurrent) { [store = cluster.store, name] connection in
                try store.register(id, name: name, replacing: old, at: now, on: connection)
            }
            return (.registered(clock: clock), nil)
        case .poll(let id, let applied, let renewals, let confirmed):
            return try await control.write(.transient) { [store = cluster.store] connection in
                let changes = try store.poll(
                    id,
                    applied: applied,
                    renewals: renewals,
                    confirmed: confirmed,
                    on: connection
                )
                let members = withMembers ? try store.members(on: connection) : nil
                return (changes.map { .changes($0) } ?? .refused, members)
            }
        }
    }

    private func apply(_ answer: NodeState.Answer, to request: NodeState.Request) {
        let previous = state.withLock(\.node.lease)
        if let previous, !previous.isHeld(at: time.reading()) { metrics.leasesLost.increment() }
        guard let events = state.withLock({ $0.node.receive(answer, to: request.number) }) else { return }
        guard answer != .refused else {
            cluster.lease.set(nil)
            cluster.waiter?.setOwn(nil)
            logger.warning(
                """
                The database does not know the node any more: it was silent for so long that the others took it for gone, \
                or the database has lost its last moments. The node joins anew.
                """
            )
            return
        }
        if !events.isEmpty { follow(events) }
        metrics.eventsApplied.increment(by: Int64(events.count))
        let (lease, id, applied) = state.withLock { state in
            (state.node.complete(), state.node.id, state.node.applied)
        }
        cluster.lease.set(lease)
        cluster.waiter?.setOwn(id)
        if let applied { metrics.appliedSequence.set(applied) }
    }

    private func membersToCareFor() -> [ClusterMember]? {
        state.withLock { state in
            guard !state.isCaring, let members = state.members else { return nil }
            state.members = nil
            state.isCaring = true
            return members
        }
    }

    /// Counts the nodes, deletes what everybody has applied, and sees to those that are gone.
    private func care(_ members: [ClusterMember]) async {
        defer { state.withLock { $0.isCaring = false } }
        let now = time.monotonic()
        let (live, orders) = state.withLock { state in
            state.watch.see(members, at: now)
            let own = state.node.id
            return (
                state.watch.liveNodes(at: now),
                state.watch.orders(silence: limits.silenceDuration, except: own, at: now)
            )
        }
        metrics.liveNodes.set(Int64(max(live, 1)))
        cluster.share.set(nodes: max(live, 1))
        await cluster.store.follow(orders, in: control, ids: ids)
        do {
            try await control.write(.transient) { [store = cluster.store] in try store.deleteAppliedEvents(on: $0) }
        } catch {
            // Whoever comes next deletes them.
        }
    }

    // MARK: Start

    /// Refuses a clock that is far from the database's: ids, and the ends of tokens, rest on the wall clock.
    ///
    /// - Throws: `.conflict` with the difference.
    package static func requireClock(
        near database: any SQLDatabase,
        time: TimeSource,
        limits: Limits = Limits()
    ) async throws {
        let before = time.now()
        let theirs = try await database.read { try ClusterStore(keepsEvents: false).currentTime(on: $0) }
        let after = time.now()
        let bound = limits.clockDifference.nanoseconds / 1_000
        let ahead = before.microseconds - theirs.microseconds
        let behind = theirs.microseconds - after.microseconds
        guard max(ahead, behind) > bound else { return }
        let seconds = max(ahead, behind) / 1_000_000
        throw Failure(
            .conflict,
            """
            This machine's clock is \(seconds) s \(ahead > 0 ? "ahead of" : "behind") the database's: set both by NTP, \
            then start again.
            """
        )
    }

    /// Runs `body`, and cancels it when the time is over.
    private func withTimeLimit(_ duration: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask {
                // By a real clock, since it is for a database that does not answer in any.
                try await Task.sleep(for: duration)
                throw Failure(.unavailable, "The database takes too long to answer.")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
