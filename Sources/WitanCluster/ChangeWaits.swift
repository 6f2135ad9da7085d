package import WitanCore
package import WitanStorage

/// The changes of one process that wait for the other nodes: decisions alone, no I/O.
///
/// A change has nothing to wait for any more when each other node has applied it; or when `Limits.changeWaitDuration`
/// has gone by since its commit, for by then the leases are over of all that have not: the questions that they rest on
/// were sent before the commit.
package struct ChangeWaits: Sendable {
    /// Names a change that waits.
    package struct Ticket: Sendable, Hashable {
        fileprivate let number: Int64

        /// When it need not wait any more, whatever the others do.
        package let deadline: Int64
    }

    private struct Wait: Sendable {
        let sequence: Int64
        /// Rows that were read before the commit tell nothing: a node that registered meanwhile would be missing.
        let firstReading: Int64
        /// Whether this process has applied it too, before it came to wait.
        let isOwn: Bool
    }

    private let limits: Limits
    private var waits: [Ticket: Wait] = [:]
    private var watch: NodeWatch
    private var lastTicket: Int64 = 0
    private var lastReading: Int64 = 0

    /// Nobody waits.
    package init(limits: Limits = Limits()) {
        self.limits = limits
        watch = NodeWatch(limits: limits)
    }

    /// Whether nobody waits.
    package var isEmpty: Bool { waits.isEmpty }

    /// Begins to wait with a change, whose commit has been answered before `now`; one that is not this process's own waits
    /// for this one too.
    package mutating func join(_ sequence: Int64, isOwn: Bool = true, at now: Int64) -> Ticket {
        lastTicket += 1
        let ticket = Ticket(number: lastTicket, deadline: now + limits.changeWaitDuration.nanoseconds)
        waits[ticket] = Wait(sequence: sequence, firstReading: lastReading + 1, isOwn: isOwn)
        return ticket
    }

    /// Ends a wait.
    package mutating func leave(_ ticket: Ticket) {
        waits[ticket] = nil
    }

    /// Must be called before the nodes' rows are read.
    package mutating func beginReading() -> Int64 {
        lastReading += 1
        return lastReading
    }

    /// Takes the rows, nil when they could not be read, and ends the waits that they end.
    package mutating func endReading(
        _ reading: Int64,
        _ members: [ClusterMember]?,
        own: ObjectID?,
        at now: Int64
    ) -> (done: [Ticket], orders: [NodeWatch.Order]) {
        guard let members else {
            watch.blink(at: now)
            return ([], [])
        }
        watch.see(members, at: now)
        let slowestOther = members.filter { $0.id != own }.map(\.applied).min() ?? .max
        let slowest = members.map(\.applied).min() ?? .max
        let done =
            waits.filter { _, wait in
                wait.firstReading <= reading && wait.sequence <= (wait.isOwn ? slowestOther : slowest)
            }
            .map(\.key).sorted { $0.number < $1.number }
        for ticket in done { waits[ticket] = nil }
        let isAwaited = !waits.isEmpty
        return (done, isAwaited ? watch.orders(silence: limits.awaitedSilenceDuration, except: own, at: now) : [])
    }
}
