package import WitanCore

/// A rate limit for each key by the generic cell rate algorithm (ITU-T I.371, annex A).
///
/// A key's state is one integer, its theoretical arrival time: the moment from which the key has its whole burst again.
/// Each event moves it by the interval between two events, and an event is allowed while that is at most a burst's
/// worth ahead of now. A key without a state has its whole burst, so that states whose time has passed can go.
///
/// Memory is bounded. A new key looks at a few entries: it takes the place of one whose time has passed, which nobody
/// can notice; when there is none and the map is full, of the one with the earliest time. A flood of new keys therefore
/// displaces its own entries, each of which owes one event, while a key that is near its limit keeps its state.
package final class RateLimiter<Key: Hashable & Sendable>: Sendable {
    private let whole: Schedule?
    private let share: RateLimitShare
    private let shards: Shards<ArrivalTable<Key>>
    private let time: TimeSource

    /// Takes the limit (`nil`: none), how much of it falls to this server, how many keys to remember at the most, and the
    /// clock.
    ///
    /// `name` stands in the answer's headers; it must be visible ASCII without quotes and backslashes.
    package init(
        limit: RateLimit?,
        share: RateLimitShare = RateLimitShare(),
        capacity: Int,
        time: TimeSource,
        name: String = "default"
    ) {
        self.time = time
        self.share = share
        whole = limit.map { Schedule($0, name: name) }
        shards = Shards(capacity: capacity, ArrivalTable.init)
    }

    /// Asks for one event, and counts it when it is allowed.
    package func take(_ key: Key) -> RateLimitDecision {
        guard let schedule else { return .unlimited }
        let now = time.monotonic()
        return update(key, now: now) { arrival in
            let decision = schedule.decision(arrival: arrival, now: now)
            guard decision.isAllowed else { return decision }
            arrival += schedule.interval
            return schedule.decision(arrival: arrival, now: now, isAllowed: true)
        }
    }

    /// Whether one event would be allowed, without counting one.
    ///
    /// For events that turn out only later to count, such as a failed authentication: this before, `record` after.
    package func peek(_ key: Key) -> RateLimitDecision {
        guard let schedule else { return .unlimited }
        let now = time.monotonic()
        let arrival = shards.withLock(shard(of: key)) { $0.arrival(of: key) }
        return schedule.decision(arrival: max(arrival ?? now, now), now: now)
    }

    /// Counts one event, allowed or not.
    ///
    /// Events beyond the limit (several were under way at once) add no more than a full burst's worth of waiting.
    package func record(_ key: Key) {
        guard let schedule else { return }
        let now = time.monotonic()
        update(key, now: now) { arrival in
            arrival = min(arrival + schedule.interval, max(arrival, now + schedule.window))
        }
    }

    /// Takes an event back that was counted and turned out to be none of those that the limit is about.
    package func giveBack(_ key: Key) {
        guard let schedule else { return }
        update(key, now: time.monotonic()) { arrival in arrival -= schedule.interval }
    }

    /// How many keys are remembered at the moment.
    package var count: Int { shards.sum(\.count) }

    /// This server's part of the limit at this moment.
    private var schedule: Schedule? { whole?.divided(by: share.nodes) }

    private func shard(of key: Key) -> Int { shards.index(ofHash: key.hashValue) }

    private func update<Result: Sendable>(_ key: Key, now: Int64, _ change: (inout Int64) -> Result) -> Result {
        shards.withLock(shard(of: key)) { $0.update(key, now: now, change) }
    }
}

/// A limit in nanoseconds.
private struct Schedule: Sendable {
    /// Between two events: rounded up, so that the limit is never exceeded; exact when the limit divides the period.
    private(set) var interval: Int64

    /// From nothing left to the whole burst.
    private(set) var window: Int64

    private let burst: Int
    private let policyHeader: String
    private let name: String

    init(_ limit: RateLimit, name: String) {
        // Neither can overflow: at most 60 s times 10,000,000 is 6e17 ns, and the clock adds what the machine was up.
        interval = (limit.period.nanoseconds - 1) / Int64(limit.events) + 1
        window = interval * Int64(limit.burst)
        burst = limit.burst
        policyHeader = "\"\(name)\";q=\(limit.burst);w=\(Duration.nanoseconds(window).wholeSecondsRoundedUp)"
        self.name = name
    }

    /// One of so many equal parts: as much rarer, with a burst as much smaller, but for the one event that every part has.
    ///
    /// The headers go on telling of the whole.
    func divided(by parts: Int) -> Schedule {
        guard parts > 1 else { return self }
        var part = self
        part.interval = interval * Int64(parts)
        part.window = max(window, part.interval)
        return part
    }

    /// What a key with that arrival time is told; `isAllowed` for an event that the time already counts.
    func decision(arrival: Int64, now: Int64, isAllowed: Bool? = nil) -> RateLimitDecision {
        // Threads may come to the lock in another order than they read the clock: never below nothing.
        let spare = max(now + window - arrival, 0)
        let isAllowed = isAllowed ?? (spare >= interval)
        return RateLimitDecision(
            isAllowed: isAllowed,
            retryAfter: isAllowed ? .zero : .nanoseconds(arrival + interval - window - now),
            limit: burst,
            remaining: Int(spare / interval),
            resetAfter: .nanoseconds(arrival - now),
            policyHeader: policyHeader,
            name: name
        )
    }
}

/// Arrival times of a bounded number of keys.
private struct ArrivalTable<Key: Hashable & Sendable>: Sendable {
    private struct Entry {
        var key: Key
        var arrival: Int64
    }

    /// How many entries a new key looks at.
    private static var examined: Int { 8 }

    private let capacity: Int
    private var positions: [Key: Int] = [:]
    private var entries: [Entry] = []
    private var hand = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { entries.count }

    func arrival(of key: Key) -> Int64? {
        positions[key].map { entries[$0].arrival }
    }

    /// Changes a key's arrival time, which is `now` at the earliest; one that stays there is not remembered.
    mutating func update<Result>(_ key: Key, now: Int64, _ change: (inout Int64) -> Result) -> Result {
        if let position = positions[key] {
            entries[position].arrival = max(entries[position].arrival, now)
            return change(&entries[position].arrival)
        }
        var arrival = now
        defer { if arrival > now { insert(Entry(key: key, arrival: arrival), now: now) } }
        return change(&arrival)
    }

    private mutating func insert(_ entry: Entry, now: Int64) {
        guard let position = place(now: now) else {
            positions[entry.key] = entries.count
            entries.append(entry)
            return
        }
        positions[entries[position].key] = nil
        positions[entry.key] = position
        entries[position] = entry
    }

    /// The entry that a new one may take the place of; `nil` when none has passed and there is room for one more.
    private mutating func place(now: Int64) -> Int? {
        var earliest: Int?
        for _ in 0..<min(Self.examined, entries.count) {
            let position = hand
            hand = (hand + 1) % entries.count
            if entries[position].arrival <= now { return position }
            if earliest.map({ entries[position].arrival < entries[$0].arrival }) ?? true { earliest = position }
        }
        return entries.count < capacity ? nil : earliest
    }
}
