import Synchronization
package import WitanCore

/// Verified credentials by digest, so that checking a warm one does no I/O (design: key service, section 7).
///
/// Once `revoke`, `invalidate` or `removeAll` has returned, no look-up gives a value that it concerned, and no fill that
/// began before it brings one back. They must be called after the change is committed and before it is answered. That a
/// value has not expired is for the caller to check after each look-up.
///
/// Only successes are kept: remembering refusals would let anybody fill the cache with made-up keys and would keep a new
/// key from working at once, while refusing costs one look-up in an index and is rate limited.
///
/// A hit takes one of several locks and allocates nothing. When a shard is full, the CLOCK algorithm makes room: the
/// first value is evicted that was not looked up since the hand went by.
package final class CredentialCache<Value: CachedCredential>: Sendable {
    /// What all changes pass through, one at a time; always locked before a shard.
    private let ledger: Mutex<Ledger>
    private let shards: Shards<ClockShard<CredentialDigest, Value>>

    /// Takes the most values to keep, and how many invalidations to remember for fills that are under way.
    package init(capacity: Int, rememberedInvalidations: Int = 4_096) {
        ledger = Mutex(Ledger(history: InvalidationHistory(capacity: rememberedInvalidations)))
        shards = Shards(capacity: capacity, ClockShard.init)
    }

    /// The credential's value; `nil` when it must be read from the database.
    package func lookup(_ digest: CredentialDigest) -> Value? {
        shards.withLock(shard(of: digest)) { $0.lookup(digest) }
    }

    /// Must be called before the database is read for a `fill`.
    package func beginFill(_ digest: CredentialDigest) -> CredentialFillToken {
        CredentialFillToken(digest: digest, epoch: ledger.withLock { $0.history.epoch })
    }

    /// Keeps what the database said, unless a value is there or something that concerns it was invalidated meanwhile.
    ///
    /// Returns whether it was kept. The request that read it may go on in either case: it began before the change ended.
    @discardableResult
    package func fill(_ token: CredentialFillToken, with value: Value) -> Bool {
        let owners = value.owners
        let shard = shard(of: token.digest)
        return ledger.withLock { ledger in
            guard ledger.history.isUnchanged(owners, since: token.epoch),
                let placement = shards.withLock(shard, { $0.insert(value, for: token.digest) })
            else { return false }
            let slot = slot(of: placement.position, in: shard)
            if let evicted = placement.evicted {
                ledger.index.remove(slot, owners: evicted.owners)
            }
            ledger.index.insert(slot, owners: owners)
            return true
        }
    }

    /// Forgets one value, such as one whose time is over, so that the next fill can bring a fresh one.
    package func remove(_ digest: CredentialDigest) {
        let shard = shard(of: digest)
        ledger.withLock { ledger in
            guard let (position, value) = shards.withLock(shard, { $0.remove(digest) }) else { return }
            ledger.index.remove(slot(of: position, in: shard), owners: value.owners)
        }
    }

    /// Forgets a credential for good: as long as it is remembered, not even a fill that begins later is kept.
    package func revoke(credentialID: ObjectID) {
        invalidate(.credential(credentialID))
    }

    /// Forgets every credential of a user or service account.
    package func invalidate(userID: ObjectID) {
        invalidate(.user(userID))
    }

    /// Forgets every credential of an organization.
    package func invalidate(organizationID: ObjectID) {
        invalidate(.organization(organizationID))
    }

    /// Forgets everything.
    package func removeAll() {
        ledger.withLock { ledger in
            ledger.history.recordAll()
            ledger.index = OwnerIndex()
            for shard in 0..<shards.count {
                shards.withLock(shard) { $0.removeAll() }
            }
        }
    }

    /// The counters at this moment.
    package var statistics: CacheStatistics { shards.statistics() }

    private func invalidate(_ owner: CredentialOwner) {
        ledger.withLock { ledger in
            ledger.history.record(owner)
            while let slot = ledger.index.first(of: owner) {
                let (position, shard) = slot.quotientAndRemainder(dividingBy: shards.count)
                guard let value = shards.withLock(shard, { $0.remove(at: position) }) else {
                    preconditionFailure("the owners' index names an empty slot")
                }
                ledger.index.remove(slot, owners: value.owners)
            }
        }
    }

    private func shard(of digest: CredentialDigest) -> Int { shards.index(ofHash: digest.hashValue) }

    /// Numbers the places of all shards together: places fill from 0 up, so that the numbers in use stay small.
    private func slot(of position: Int, in shard: Int) -> Int { position * shards.count + shard }
}

/// The moment at which reading the database for a credential began.
package struct CredentialFillToken: Sendable {
    fileprivate let digest: CredentialDigest
    fileprivate let epoch: UInt64
}

private struct Ledger: Sendable {
    var history: InvalidationHistory<CredentialOwner>
    var index = OwnerIndex()
}
