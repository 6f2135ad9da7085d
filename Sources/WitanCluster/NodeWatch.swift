package import WitanCore
package import WitanStorage

/// What an observer of the nodes' rows concludes from how they change, by its own monotonic clock.
///
/// That somebody is silent is a guess, on which nothing rests but how long others wait for it. That somebody was refused
/// is not: whoever was refused gets no lease from then on, and is removed only when its last one is over.
package struct NodeWatch: Sendable {
    /// What is to be done about a node.
    package enum Order: Sendable, Hashable {
        /// It must be refused, for it gives no sign of life.
        case refuse(ClusterMember)
        /// It was refused for so long that it can go.
        case remove(ObjectID, eviction: ObjectID)
    }

    private struct Sight: Sendable {
        var member: ClusterMember
        /// Since when the row has been seen like this: without a sign of life, or refused.
        var since: Int64
        var lastRenewal: Int64
    }

    private let limits: Limits
    private var sights: [ObjectID: Sight] = [:]

    /// An observer who has seen nothing yet.
    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Takes all rows in, as they were read; `now` is the time at which the answer was there.
    package mutating func see(_ members: [ClusterMember], at now: Int64) {
        var seen: [ObjectID: Sight] = [:]
        for member in members {
            guard let sight = sights[member.id] else {
                seen[member.id] = Sight(member: member, since: now, lastRenewal: now)
                continue
            }
            let isRenewed = sight.member.renewals != member.renewals
            let isAsBefore = !isRenewed && sight.member.eviction == member.eviction
            seen[member.id] = Sight(
                member: member,
                since: isAsBefore ? sight.since : now,
                lastRenewal: isRenewed ? now : sight.lastRenewal
            )
        }
        sights = seen
    }

    /// Forgets how long nodes were silent, because the observer could not see them: perhaps nobody could do anything.
    package mutating func blink(at now: Int64) {
        for (id, sight) in sights where sight.member.eviction == nil { sights[id]?.since = now }
    }

    /// How many nodes gave a sign of life lately.
    package func liveNodes(at now: Int64) -> Int {
        sights.values.count { sight in
            sight.member.eviction == nil && now - sight.lastRenewal <= limits.livenessDuration.nanoseconds
        }
    }

    /// What is to be done about the nodes, apart from the observer's own, that were silent for so long.
    package func orders(silence: Duration, except own: ObjectID?, at now: Int64) -> [Order] {
        sights.values
            .compactMap { sight in
                let duration = now - sight.since
                if let eviction = sight.member.eviction {
                    guard duration >= limits.evictionDuration.nanoseconds else { return nil }
                    return .remove(sight.member.id, eviction: eviction)
                }
                guard sight.member.id != own, duration >= silence.nanoseconds else { return nil }
                return .refuse(sight.member)
            }
            .sorted { $0.id < $1.id }
    }
}

extension NodeWatch.Order {
    /// The node that it is about.
    package var id: ObjectID {
        switch self {
        case .refuse(let member): member.id
        case .remove(let id, _): id
        }
    }
}
