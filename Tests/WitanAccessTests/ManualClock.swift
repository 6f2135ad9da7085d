import Synchronization
import WitanCore

/// A monotonic clock that a test moves by hand.
final class ManualClock: Sendable {
    private let nanoseconds: Mutex<Int64>

    init(startingAt nanoseconds: Int64 = 0) {
        self.nanoseconds = Mutex(nanoseconds)
    }

    var now: Int64 { nanoseconds.withLock { $0 } }

    func advance(by step: Int64) {
        nanoseconds.withLock { $0 += step }
    }

    func advance(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        advance(by: seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    var source: TimeSource {
        TimeSource(now: { Timestamp(microseconds: self.now / 1_000) }, monotonic: { self.now })
    }
}
