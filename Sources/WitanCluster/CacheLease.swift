import Synchronization
package import WitanCore

/// The lease that everything in a process asks before it uses what the process has cached.
///
/// To ask costs three atomic loads and two looks at a clock; nobody waits for anybody.
package final class CacheLease: Sendable {
    /// Nil for a process that is alone, whose caches always hold what is so.
    private let time: TimeSource?

    /// The two ends of the lease.
    ///
    /// `sinceBoot` is written first as `none` and last as the new end, so that whoever reads
    /// the same value before and after `wall` has read both of one lease.
    private let sinceBoot = Atomic<Int64>(CacheLease.none)
    private let wall = Atomic<Int64>(CacheLease.none)

    private static let none = Int64.min

    /// A lease that nobody holds yet.
    package init(time: TimeSource) {
        self.time = time
    }

    private init() {
        time = nil
    }

    /// The lease of a process that is alone: it is always held.
    package static let perpetual = CacheLease()

    /// Replaces the lease; everything that was committed before its question must have been applied to the caches.
    ///
    /// For one task at a time.
    package func set(_ lease: Lease?) {
        sinceBoot.store(Self.none, ordering: .releasing)
        guard let end = lease?.endReading else { return }
        wall.store(end.wall, ordering: .releasing)
        sinceBoot.store(end.sinceBoot, ordering: .releasing)
    }

    /// The lease that is there; nil when there is none, or it is just being replaced.
    package func terms() -> Lease? {
        let first = sinceBoot.load(ordering: .acquiring)
        let wall = wall.load(ordering: .acquiring)
        let second = sinceBoot.load(ordering: .acquiring)
        guard first == second, first != Self.none else { return nil }
        return Lease(end: ClockReading(sinceBoot: first, wall: wall))
    }

    /// Looks something up in a cache; nil without a lease too, since what is there may be wrong.
    ///
    /// The lease is read before the look-up and the clocks after it, which both matter. A lease that is read after it
    /// could be one by whose question a change became known that the look-up has just missed. And a process that was
    /// stopped between the look-up and its use finds the lease over.
    package func guarding<Value>(_ lookup: () -> Value?) -> Value? {
        guard let time else { return lookup() }
        guard let terms = terms(), let value = lookup(), terms.isHeld(at: time.reading()) else { return nil }
        return value
    }
}
