import WitanAccess
import WitanCluster
import WitanCore

/// One process: the real state machine, waits and caches, under clocks and pauses that the run decides on.
final class SimulatedNode {
    let name: String
    var state: NodeState
    var watch: NodeWatch
    var waits: ChangeWaits

    let credentials: CredentialCache<SimulatedKey>
    let history: AccessHistory
    let grants: DependentCache<Int, SimulatedGrant>

    /// The one that requests ask; a node sets it after it has applied what belongs to it.
    var lease: Lease?

    var isAlive = true
    /// Whether it asks for nothing any more, because it is being stopped as it should be.
    var isLeaving = false
    var pausedUntil: Int64 = 0
    var isolatedUntil: Int64 = 0
    var lastPauseEnd: Int64 = 0
    var clocksFailAgain: Int64 = 0
    var boot: SimulatedClock
    var wall: SimulatedClock

    /// The number of the question that is under way; nil between two.
    var asking: Int64?
    /// Whether the answer is there and being applied.
    var isApplying = false
    /// Distinguishes the plans to ask again: only the newest counts.
    var plan = 0
    var isWoken = false
    var isLooking = false
    var looking: Int64 = 0
    var nextCare: Int64 = 0

    /// The id that it registered with first, which only a mistake uses again.
    var firstID: ObjectID?

    /// What ends a wait, by its ticket.
    var waiting: [ChangeWaits.Ticket: (Bool) -> Void] = [:]
    /// The rows that were read last, which only a mistake uses.
    var lastMembers: [ObjectID: Int64]?

    init(name: String, limits: Limits, capacity: Int, remembered: Int, boot: SimulatedClock, wall: SimulatedClock) {
        self.name = name
        self.boot = boot
        self.wall = wall
        state = NodeState(limits: limits)
        watch = NodeWatch(limits: limits)
        waits = ChangeWaits(limits: limits)
        credentials = CredentialCache(capacity: capacity, rememberedInvalidations: remembered)
        history = AccessHistory(rememberedChanges: remembered)
        grants = DependentCache(capacity: capacity, history: history)
    }
}
