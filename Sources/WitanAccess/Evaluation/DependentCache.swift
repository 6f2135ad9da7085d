/// Values read from the database that stay good until one of the things they depend on changes.
///
/// Once `AccessHistory.record` has returned, no look-up gives a value that depends on what was recorded and whose fill
/// began before.
///
/// Validation is lazy. Each value has the epoch of the history up to which it is known to be good. When nothing at all
/// was recorded since, a hit takes one of several locks, reads one number and allocates nothing. Otherwise the value's
/// dependencies are compared with what was recorded since, once for any number of changes. The value stays and is known
/// to be good up to the newest epoch, or it goes.
///
/// When a shard is full, the CLOCK algorithm makes room. An outdated value that nobody looks up keeps its place until
/// then.
package final class DependentCache<Key: Hashable & Sendable, Value: DependentValue>: Sendable {
    private struct Entry: Sendable {
        let value: Value

        /// Nothing that the value depends on was recorded from the beginning of its fill up to this epoch.
        let epoch: UInt64
    }

    private let history: AccessHistory
    private let shards: Shards<ClockShard<Key, Entry>>

    /// Takes the most values to keep, and where changes are recorded, which other caches may share.
    package init(capacity: Int, history: AccessHistory) {
        self.history = history
        shards = Shards(capacity: capacity, ClockShard.init)
    }

    /// The key's value; `nil` when it must be read from the database.
    package func lookup(_ key: Key) -> Value? {
        shards.withLock(shard(of: key)) { shard in
            guard let entry = shard.lookup(key) else { return nil }
            if entry.epoch == history.epoch { return entry.value }
            guard let epoch = history.epoch(ifUnchanged: entry.value.dependencies, since: entry.epoch) else {
                shard.reject(key)
                return nil
            }
            shard.replace(key, with: Entry(value: entry.value, epoch: epoch))
            return entry.value
        }
    }

    /// Must be called before the database is read for a `fill`.
    package func beginFill() -> FillToken {
        FillToken(epoch: history.epoch)
    }

    /// Keeps what the database said, unless a value is there that is known to be good for longer.
    ///
    /// A value that was outdated while it was read is kept as well: the next look-up finds that out.
    package func fill(_ token: FillToken, for key: Key, with value: Value) {
        let entry = Entry(value: value, epoch: token.epoch)
        shards.withLock(shard(of: key)) { shard in
            guard let present = shard.peek(key) else {
                _ = shard.insert(entry, for: key)
                return
            }
            if present.epoch <= entry.epoch {
                shard.replace(key, with: entry)
            }
        }
    }

    /// The counters at this moment; a look-up that found an outdated value missed.
    package var statistics: CacheStatistics { shards.statistics() }

    private func shard(of key: Key) -> Int { shards.index(ofHash: key.hashValue) }
}

/// The moment at which reading the database for a value began.
package struct FillToken: Sendable {
    fileprivate let epoch: UInt64
}

/// What a `DependentCache` must know about a value.
package protocol DependentValue: Sendable {
    /// Everything whose change may change the value; it must not depend on anything but the value itself.
    var dependencies: [AccessSubject] { get }
}
