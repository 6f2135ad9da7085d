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

    /// What only a failover to a copy that is behind undoes.
    private struct Durable {
        var clock: Int64 = 0
        var access = SimulatedAccess()
    }

    private let limits: Limits
    private var durable = Durable()
    private var transient = Transient(members: [], entries: [])
    private var unflushed: [Transient] = []
    private var copies: [ClusterStore.Changes] = []
    private var past: [(Durable, Transient)] = []
    private var lastStamp = 0

    /// Whether anybody can reach it.
    var isUp = true

    /// How often it has lost what it had committed.
    private(set) var era = 0

    /// Who may do what.
    var access: SimulatedAccess { durable.access }

    /// The number of the newest change.
    var clock: Int64 { durable.clock }

    init(limits: Limits) {
        self.limits = limits
    }

    // MARK: Changes

    /// Commits a change durably, and with it all before.
    mutating func commit(_ change: Change, telling events: [ClusterEvent]) -> Int64 {
        copies.append(ClusterStore.Changes(clock: clock, entries: transient.entries))
        remember()
        lastStamp += 1
        durable.access.make(change, stamp: lastStamp)
        durable.clock += 1
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
        confirmed: Int64,
        fromCopy: Bool
    ) -> ClusterStore.Changes? {
        guard
            let index = transient.members.firstIndex(where: {
                $0.id == id && $0.eviction == nil && $0.renewals >= confirmed
            })
        else { return nil }
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

    mutating func leave(_ id: ObjectID) {
        write()
        transient.members.removeAll { $0.id == id }
    }

    // MARK: The disk

    /// Loses the last of what nobody waited for.
    mutating func crash(_ dice: inout Dice) {
        guard !unflushed.isEmpty else { return }
        transient = unflushed[dice.below(unflushed.count)]
        unflushed = []
    }

    /// A copy takes over that has not got the last of it, committed or not.
    mutating func failOver(_ dice: inout Dice) {
        guard !past.isEmpty else { return }
        let position = dice.below(past.count)
        (durable, transient) = past[position]
        past.removeSubrange(position...)
        unflushed = []
        copies = []
        era += 1
    }

    /// Keeps what a copy that is behind may have.
    private mutating func remember() {
        if past.count == 32 { past.removeFirst() }
        past.append((durable, transient))
    }

    private mutating func write() {
        remember()
        // More than the writer of the log leaves lying in its time.
        if unflushed.count == 16 { unflushed.removeFirst() }
        unflushed.append(transient)
    }

    private mutating func flush() {
        unflushed.removeAll(keepingCapacity: true)
    }
}
