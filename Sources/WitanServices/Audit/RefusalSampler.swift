import Synchronization
import WitanCore
import WitanStorage

/// Decides which refusals are rows of the audit log and counts the others, so that a flood cannot fill the log.
///
/// In a window, the first refusals of a kind are rows at once and further ones are counted. When the window is over,
/// its count becomes one event, the last that was counted, which stands for all of them. It stays here until it is
/// known to be written; what is counted meanwhile waits for its turn, so that each kind holds two events at the most.
///
/// Memory is bounded by the number of kinds. Where there is no room for another, its refusals are rows, all of them.
final class RefusalSampler: Sendable {
    /// What is to be done with a refusal.
    enum Decision: Sendable {
        /// It is a row, after the count of an earlier window that is not known to be written.
        case write(after: AuditEvent?)
        /// It was counted.
        case count
    }

    private let tallies = Mutex<[Kind: Tally]>([:])

    /// Refusals that are to be rows, until they are known to be written.
    private let noted = Mutex<[AuditEvent]>([])
    private let limits: Limits
    private let time: TimeSource

    /// Takes the limits of refusals, and the clock of the windows.
    init(limits: Limits, time: TimeSource) {
        precondition(limits.refusalsPerWindow > 0, "the first refusal of a window is a row")
        self.limits = limits
        self.time = time
    }

    /// Decides on a refusal.
    func admit(_ event: AuditEvent) -> Decision {
        let now = time.monotonic()
        let kind = Kind(event)
        return tallies.withLock { tallies in
            guard tallies[kind] != nil || tallies.count < limits.refusalKinds else { return .write(after: nil) }
            return tallies[kind, default: Tally(windowBegan: now)].admit(event, at: now, limits)
        }
    }

    /// Takes in a refusal that is counted, or written when somebody asks for what is due; false when there is no room.
    func note(_ event: AuditEvent) -> Bool {
        // A count from before it is due without it.
        guard case .write = admit(event) else { return true }
        return noted.withLock { noted in
            guard noted.count < limits.pendingRefusals else { return false }
            noted.append(event)
            return true
        }
    }

    /// What is to be written, up to a number of rows; then `didWrite`, or the same ones come again.
    func due(endingAllWindows: Bool, limit: Int) -> [AuditEvent] {
        let rows = noted.withLock { Array($0.prefix(limit)) }
        guard rows.isEmpty else { return rows }
        let now = time.monotonic()
        return tallies.withLock { tallies in
            tallies = tallies.compactMapValues { tally in
                var tally = tally
                let isOver = tally.isOver(at: now, limits)
                if isOver || endingAllWindows { tally.close() }
                return isOver && tally.isEmpty ? nil : tally
            }
            return Array(tallies.values.lazy.compactMap(\.closed).prefix(limit))
        }
    }

    /// Forgets what are rows now.
    func didWrite(_ events: [AuditEvent]) {
        let ids = Set(events.map(\.id))
        noted.withLock { noted in noted.removeAll { ids.contains($0.id) } }
        tallies.withLock { tallies in
            for event in events { tallies[Kind(event)]?.forget(event) }
        }
    }
}

/// What refusals have in common that are counted together.
private struct Kind: Hashable {
    let actorID: ObjectID?
    let impersonatedID: ObjectID?
    let organizationID: ObjectID?
    let type: String

    init(_ event: AuditEvent) {
        actorID = event.actorID
        impersonatedID = event.impersonatedID
        organizationID = event.organizationID
        type = event.type
    }
}

/// The refusals of one kind.
private struct Tally {
    private var windowBegan: Int64
    private var rowsInWindow = 0

    /// How many were counted since the last count was closed.
    private var count = 0

    /// The last of those.
    private var last: AuditEvent?

    /// A count that nothing is added to any more, until it is known to be written.
    private(set) var closed: AuditEvent?

    init(windowBegan: Int64) {
        self.windowBegan = windowBegan
    }

    /// Whether there is nothing to be written.
    var isEmpty: Bool { count == 0 && closed == nil }

    func isOver(at now: Int64, _ limits: Limits) -> Bool {
        now - windowBegan >= limits.refusalWindow.nanoseconds
    }

    mutating func admit(_ event: AuditEvent, at now: Int64, _ limits: Limits) -> RefusalSampler.Decision {
        if isOver(at: now, limits) {
            close()
            windowBegan = now
            rowsInWindow = 0
        }
        guard rowsInWindow < limits.refusalsPerWindow else {
            count += 1
            last = event
            return .count
        }
        rowsInWindow += 1
        return .write(after: closed)
    }

    /// Makes the count an event; while another one is not known to be written, it goes on growing instead.
    mutating func close() {
        guard closed == nil, var event = last else { return }
        event.occurrences = count
        closed = event
        last = nil
        count = 0
    }

    mutating func forget(_ event: AuditEvent) {
        if closed?.id == event.id { closed = nil }
    }
}
