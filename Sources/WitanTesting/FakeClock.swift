import Synchronization
package import WitanCore

/// A clock that a test sets, wall clock and monotonic clock alike.
package final class FakeClock: Sendable {
    /// One of the clocks that a lease is held by.
    package enum Hand: Sendable, CaseIterable {
        /// The one that counts from the machine's start.
        case sinceBoot
        /// The wall clock.
        case wall
    }

    private struct State {
        var nanoseconds: Int64
        /// By how much each hand is behind, and which stands still.
        var lost: [Hand: Int64] = [:]
        var stopped: Hand?
    }

    private let state: Mutex<State>

    /// Makes a clock that stands still at a moment; the default is 2026-01-31T12:00:00Z.
    package init(at moment: Timestamp = Timestamp(seconds: 1_769_860_800)) {
        state = Mutex(State(nanoseconds: moment.microseconds * 1_000))
    }

    /// The moment that the clock shows.
    package var now: Timestamp {
        Timestamp(microseconds: read(.wall) / 1_000)
    }

    /// Moves the clock; a negative duration sets it back.
    package func advance(by duration: Duration) {
        state.withLock { state in
            state.nanoseconds += duration.nanoseconds
            if let stopped = state.stopped { state.lost[stopped, default: 0] += duration.nanoseconds }
        }
    }

    /// Lets one of the hands stand still from now on, and none with nil; what it has lost, it has lost.
    package func stop(_ hand: Hand?) {
        state.withLock { $0.stopped = hand }
    }

    /// The clock as the server reads it.
    package var source: TimeSource {
        TimeSource(
            now: { self.now },
            monotonic: { self.state.withLock(\.nanoseconds) },
            sinceBoot: { self.read(.sinceBoot) }
        )
    }

    private func read(_ hand: Hand) -> Int64 {
        state.withLock { $0.nanoseconds - $0.lost[hand, default: 0] }
    }
}
