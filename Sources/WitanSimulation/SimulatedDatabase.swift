import WitanAccess
import WitanCluster
import WitanCore
import WitanStorage

/// The tables as far as the protocol needs them; each call is a transaction, one after the other.
struct SimulatedDatabase {
    /// What a transaction that does not wait for the disk may change, and a crash may undo.
    private struct Transient {
        var members: [ClusterMember]
        var entries: [ClusterStore.Changes.Entry]
    }

    private let limits: Limits
    private var clock: Int64 = 0
    private var transient = Transient(members: [], entries: [])
    private var unflushed: [Transient] = []
    private var copies: [ClusterStore.Changes] = []

    /// Whether anybody can reach it.
    var isUp = true

    var revoked: Set<Int> = []
    var userGenerations = [Int](repeating: 0, count: Universe.users)
    var organizationGeneration = 0
    var grantGenerations = [Int](repeating: 0, count: Universe.users)

    init(limits: Limits) {
        self.limits = limits
    }

    // MARK: What is cached

    func key(_ number: Int) -> SimulatedKey? {
        if revoked.contains(number) { return nil }
        return SimulatedKey(
            number: number,
            userGeneration: userGenerations[number % Universe.users],
            organizationGeneration: organizationGeneration
        )
    }

    func grant(_ user: Int) -> SimulatedGrant { SimulatedGrant(user: user, generation: grantGenerations[user]) }

    // MARK: Changes

    /// Commits a change durably, and with it all before.
    mutating func commit(_ change: Change, telling events: [ClusterEvent]) -> Int64 {
        copies.append(ClusterStore.Changes(clock: clock, entries: transient.entries))
        change.apply(to: &self)
        clock += 1
        let events = events.count > limits.eventsPerCommit ? [.everything] : events
        transient.entries += events.map { ClusterStore.Changes.Entry(clock, $0) }
        flush()
        return clock
    }

    // MARK: Nodes

    mutating func register(_ id: ObjectID, replacing old: ObjectID?, isDurable: Bool, overwrites: Bool) -> Int64? {
        write()
        if let old, old != id { transient.members.removeAll { $0.id == old } }
        if overwrites {
            transient.members.removeAll { $0.id == id }
        } else if transient.members.contains(where: { $0.id == id }) {
            return nil
        }
        transient.members.append(ClusterMember(id: id, name: "", applied: clock, renewals: 0))
        if isDurable { flush() }
        return clock
    }

    mutating func poll(
        _ id: ObjectID,
        applied: Int64,
        renewals: Int64,
        fromCopy: Bool
    ) -> ClusterStore.Changes? {
        guard let index = transient.members.firstIndex(where: { $0.id == id && $0.eviction == nil }) else { return nil }
        write()
        let member = transient.members[index]
        transient.members[index] = ClusterMember(
            id: id,
            name: "",
            applied: max(member.applied, applied),
            renewals: max(member.renewals, renewals)
        )
        var changes = ClusterStore.Changes(clock: clock, entries: transient.entries)
        if fromCopy, let copy = copies.last, copy.clock >= applied { changes = copy }
        changes.entries = Array(changes.entries.filter { $0.sequence > applied }.prefix(limits.eventsPerPoll + 1))
        return changes
    }

    var members: [ClusterMember] { transient.members }

    mutating func refuse(_ member: ClusterMember, eviction: ObjectID) {
        guard
            let index = transient.members.firstIndex(where: {
                $0.id == member.id && $0.renewals == member.renewals && $0.eviction == nil
            })
        else { return }
        write()
        let row = transient.members[index]
        transient.members[index] = ClusterMember(
            id: row.id,
            name: "",
            applied: row.applied,
            renewals: row.renewals,
            eviction: eviction
        )
    }

    mutating func remove(_ id: ObjectID, eviction: ObjectID) {
        write()
        transient.members.removeAll { $0.id == id && $0.eviction == eviction }
    }

    /// What only a mistake does.
    mutating func removeUnrefused(_ member: ClusterMember) {
        write()
        transient.members.removeAll { $0.id == member.id && $0.renewals == member.renewals }
    }

    mutating func deleteAppliedEvents() {
        guard let applied = transient.members.map(\.applied).min() else { return }
        write()
        transient.entries.removeAll { $0.sequence <= applied }
    }

    // MARK: The disk

    /// Loses the last of what nobody waited for.
    mutating func crash(_ dice: inout Dice) {
        guard !unflushed.isEmpty else { return }
        transient = unflushed[dice.below(unflushed.count)]
        unflushed = []
    }

    private mutating func write() {
        // More than the writer of the log leaves lying in its time.
        if unflushed.count == 16 { unflushed.removeFirst() }
        unflushed.append(transient)
    }

    private mutating func flush() {
        unflushed.removeAll(keepingCapacity: true)
    }
}
