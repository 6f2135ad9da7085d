/// A bounded map that makes room by the CLOCK algorithm: one shard of a cache, to be used under a lock.
///
/// When it is full, the first value goes that was not looked up since the hand went by. A value keeps its position for
/// as long as it stays; positions fill from 0 up, so that a cache may number them.
struct ClockShard<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let capacity: Int
    private var positions: [Key: Int] = [:]
    private var keys: [Key?] = []
    private var values: [Value?] = []
    private var hand = ClockHand()

    /// Look-ups that found a value.
    private(set) var hits = 0

    /// Look-ups that did not.
    private(set) var misses = 0

    /// Values that had to go for others.
    private(set) var evictions = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { positions.count }

    mutating func lookup(_ key: Key) -> Value? {
        guard let position = positions[key] else {
            misses += 1
            return nil
        }
        hits += 1
        hand.use(position)
        return values[position]
    }

    /// Removes a value that was just looked up and turns out to be of no use, so that the look-up was a miss.
    mutating func reject(_ key: Key) {
        guard remove(key) != nil else { return }
        hits -= 1
        misses += 1
    }

    /// The value without counting it as a look-up or a use.
    func peek(_ key: Key) -> Value? {
        positions[key].flatMap { values[$0] }
    }

    /// Puts another value in the place of the key's, if there is one.
    mutating func replace(_ key: Key, with value: Value) {
        guard let position = positions[key] else { return }
        values[position] = value
    }

    /// Where the value is now, and what had to go for it; `nil` when the key has a value.
    mutating func insert(_ value: Value, for key: Key) -> (position: Int, evicted: Value?)? {
        guard positions[key] == nil else { return nil }
        let evicted = positions.count == capacity ? evict() : nil
        let position = hand.take()
        if position == values.count {
            keys.append(nil)
            values.append(nil)
        }
        keys[position] = key
        values[position] = value
        positions[key] = position
        return (position, evicted)
    }

    mutating func remove(at position: Int) -> Value? {
        guard let key = keys[position], let value = values[position] else { return nil }
        positions[key] = nil
        keys[position] = nil
        values[position] = nil
        hand.release(position)
        return value
    }

    mutating func remove(_ key: Key) -> (position: Int, value: Value)? {
        guard let position = positions[key], let value = remove(at: position) else { return nil }
        return (position, value)
    }

    mutating func removeAll() {
        positions = [:]
        keys = []
        values = []
        hand = ClockHand()
    }

    private mutating func evict() -> Value? {
        evictions += 1
        return remove(at: hand.victim())
    }
}

extension Shards {
    /// What all shards of a cache have done together.
    func statistics<Key, Value>() -> CacheStatistics where State == ClockShard<Key, Value> {
        CacheStatistics(
            hits: sum(\.hits),
            misses: sum(\.misses),
            evictions: sum(\.evictions),
            count: sum(\.count)
        )
    }
}
