package import WitanCore
package import WitanStorage

/// What a node knows of the changes of others, and how long it may use what it has cached: decisions alone, no I/O.
///
/// Its driver asks with `begin` what to send, hands what comes back to `receive`, applies the events that this returns to
/// the caches, and then calls `complete` for the lease. One question is under way at a time; the answer to an earlier one
/// counts no more.
package struct NodeState: Sendable {
    /// What is to be sent.
    package enum Question: Sendable, Hashable {
        /// To register under an id that was never used; a registration from before goes.
        case register(ObjectID, replacing: ObjectID?)
        /// To renew the registration, to tell what has been applied, and to ask for what has not; `confirmed` is the newest
        /// renewal that was answered.
        case poll(ObjectID, applied: Int64, renewals: Int64, confirmed: Int64)
    }

    /// A question and the number that its answer must come with.
    package struct Request: Sendable, Hashable {
        /// The question's number.
        package let number: Int64

        /// What is to be sent.
        package let question: Question
    }

    /// What came back.
    package enum Answer: Sendable, Hashable {
        /// The registration is there; the clock showed this number.
        case registered(clock: Int64)
        /// What changed.
        case changes(ClusterStore.Changes)
        /// There is no such registration, it was refused, or the database has lost a renewal that it had answered.
        case refused
    }

    private enum Registration: Sendable {
        case none(previous: ObjectID?)
        case held(ObjectID, applied: Int64, confirmed: Int64)
    }

    private struct Outstanding: Sendable {
        let request: Request
        let sent: ClockReading
        /// What the node is once the events of the answer have been applied.
        var outcome: Registration?
    }

    private let limits: Limits
    private var registration = Registration.none(previous: nil)
    private var outstanding: Outstanding?
    private var lastNumber: Int64 = 0
    private var told: Int64 = 0

    /// The lease, which may be over; nil while there is none.
    package private(set) var lease: Lease?

    /// A node that has not registered yet.
    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// The id of the registration; nil while there is none.
    package var id: ObjectID? {
        if case .held(let id, _, _) = registration { id } else { nil }
    }

    /// The newest change that has been applied, together with all before.
    package var applied: Int64? {
        if case .held(_, let applied, _) = registration { applied } else { nil }
    }

    /// Whether others have not been told yet of what has been applied, and may wait for that.
    package var hasNews: Bool { applied.map { $0 > told } ?? false }

    /// Whether what is cached may be used.
    package func isTrusted(at now: ClockReading) -> Bool { lease?.isHeld(at: now) ?? false }

    /// The next question; `sent` must be read before it is sent.
    package mutating func begin(at sent: ClockReading, newID: () -> ObjectID) -> Request {
        lastNumber += 1
        let question: Question =
            switch registration {
            case .none(let previous): .register(newID(), replacing: previous)
            case .held(let id, let applied, let confirmed):
                .poll(id, applied: applied, renewals: lastNumber, confirmed: confirmed)
            }
        let request = Request(number: lastNumber, question: question)
        outstanding = Outstanding(request: request, sent: sent)
        return request
    }

    /// The events that must be applied before `complete`; nil when the answer comes too late to count.
    package mutating func receive(_ answer: Answer, to number: Int64) -> [ClusterEvent]? {
        guard let request = outstanding?.request, request.number == number, outstanding?.outcome == nil else {
            return nil
        }
        switch (answer, request.question) {
        case (.registered(let clock), .register(let id, _)):
            outstanding?.outcome = .held(id, applied: clock, confirmed: 0)
            told = clock
            // Others did not wait for this node until now, so whatever it has cached, or is reading, may be wrong.
            return [.everything]
        case (.changes(let changes), .poll(let id, let applied, let renewals, _)):
            outstanding?.outcome = .held(id, applied: changes.clock, confirmed: renewals)
            told = applied
            return events(of: changes, after: applied)
        case (_, .poll(let id, _, _, _)):
            // From now on nobody waits for this node.
            lease = nil
            registration = .none(previous: id)
            outstanding = nil
            return []
        case (_, .register):
            outstanding = nil
            return []
        }
    }

    /// The lease, once the events of the answer have been applied.
    package mutating func complete() -> Lease? {
        guard let outcome = outstanding?.outcome, let sent = outstanding?.sent else { return lease }
        registration = outcome
        lease = Lease(sent: sent, duration: limits.leaseDuration)
        outstanding = nil
        return lease
    }

    /// Gives up waiting for an answer.
    package mutating func fail(_ number: Int64) {
        if outstanding?.request.number == number { outstanding = nil }
    }

    /// Ends the registration, or what is left of one that was refused; returns its id, under which nothing is cached any
    /// more once the lease is put down.
    package mutating func leave() -> ObjectID? {
        defer {
            registration = .none(previous: nil)
            outstanding = nil
            lease = nil
        }
        return switch registration {
        case .held(let id, _, _): id
        case .none(let previous): previous
        }
    }

    /// Everything, where the events do not tell all: too many to read, or not one for each number.
    ///
    /// That happens to a node that was far behind.
    private func events(of changes: ClusterStore.Changes, after applied: Int64) -> [ClusterEvent] {
        guard changes.entries.count <= limits.eventsPerPoll else { return [.everything] }
        var last = applied
        for entry in changes.entries where entry.sequence != last {
            guard entry.sequence == last + 1 else { return [.everything] }
            last = entry.sequence
        }
        return last == changes.clock ? changes.entries.map(\.event) : [.everything]
    }
}
