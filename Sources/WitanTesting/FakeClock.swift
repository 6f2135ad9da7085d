import Synchronization
package import WitanCore

/// A clock that a test sets, wall clock and monotonic clock alike.
package final class FakeClock: Sendable {
    private let nanoseconds: Mutex<Int64>

    /// Makes a clock that stands still at a moment; the default is 2026-01-31T12:00:00Z.
    package init(at moment: Timestamp = Timestamp(seconds: 1_769_860_800)) {
        nanoseconds = Mutex(moment.microseconds * 1_000)
    }

    /// The moment that the clock shows.
    package var now: Timestamp {
        Timestamp(microseconds: nanoseconds.withLock { $0 } / 1_000)
    }

    /// Moves the clock; a negative duration sets it back.
    package func advance(by duration: Duration) {
        nanoseconds.withLock { $0 += duration.nanoseconds }
    }

    /// The clock as the server reads it.
    package var source: TimeSource {
        TimeSource(now: { self.now }, monotonic: { self.nanoseconds.withLock { $0 } })
    }
}
