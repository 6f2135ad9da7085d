import Synchronization

/// What changed lately that decides who may do what: what several caches ask before they answer.
///
/// A change costs the same however many cached values depend on it: it is written down here, and each value finds out
/// when it is looked up next.
package final class AccessHistory: Sendable {
    private let changes: Mutex<InvalidationHistory<AccessSubject>>

    /// The newest change's epoch once more, for look-ups to read without the lock.
    private let newestEpoch = Atomic<UInt64>(0)

    /// Takes how many changes to remember for values that nobody looked up meanwhile.
    package init(rememberedChanges: Int = 4_096) {
        changes = Mutex(InvalidationHistory(capacity: rememberedChanges))
    }

    /// The number of changes that whoever reads the database now is sure to see.
    ///
    /// It acquires what `record` releases: what was committed before a change was recorded is there to be read.
    var epoch: UInt64 { newestEpoch.load(ordering: .acquiring) }

    /// Remembers that these changed.
    ///
    /// Must be called after the change is committed and before it is answered. Once it has returned, no look-up gives a
    /// value that depends on one of them and whose fill began before.
    package func record(_ subjects: some Sequence<AccessSubject>) {
        change { changes in
            for subject in subjects {
                changes.record(subject)
            }
        }
    }

    /// Remembers that anything may have changed.
    package func recordAll() {
        change { $0.recordAll() }
    }

    /// The newest epoch, if none of these changed since the given one; `nil` when one did or nobody can tell.
    func epoch(ifUnchanged subjects: some Sequence<AccessSubject>, since epoch: UInt64) -> UInt64? {
        changes.withLock { $0.isUnchanged(subjects, since: epoch) ? $0.epoch : nil }
    }

    private func change(_ body: (inout InvalidationHistory<AccessSubject>) -> Void) {
        changes.withLock { changes in
            body(&changes)
            // Inside the lock, or of two changes the older could come last and hide the newer.
            newestEpoch.store(changes.epoch, ordering: .releasing)
        }
    }
}
