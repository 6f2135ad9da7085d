import Synchronization

/// Makes UUIDs of version 7 (RFC 9562, section 5.7), each greater than the one before it.
///
/// New rows go to the end of every index that begins with an id, which keeps inserting as fast into a million rows as
/// into a thousand. Within a millisecond the twelve bits after the version count up (section 6.2, method 1).
package final class ObjectIDGenerator: Sendable {
    private struct State {
        var milliseconds: UInt64 = 0
        var counter: UInt64 = 0
    }

    private let state = Mutex(State())
    private let time: TimeSource
    private let random: RandomSource

    /// Takes the clock for the first 48 bits and the source of the last 62.
    package init(time: TimeSource, random: RandomSource) {
        self.time = time
        self.random = random
    }

    /// The next id.
    package func next() -> ObjectID {
        var generator = random
        let entropy = generator.next()
        let now = UInt64(clamping: time.now().microseconds / 1_000)
        let (milliseconds, counter) = state.withLock { state in
            if now > state.milliseconds {
                state.milliseconds = now
                // The upper half stays free, so that a millisecond has room for 2,048 ids or more.
                state.counter = entropy >> 53
            } else if state.counter < 0xFFF {
                state.counter += 1
            } else {
                // The counter is used up, or the clock stepped back: borrow from the next millisecond.
                state.milliseconds += 1
                state.counter = 0
            }
            return (state.milliseconds, state.counter)
        }
        return ObjectID(
            high: milliseconds << 16 | 0x7000 | counter,
            low: 0x8000_0000_0000_0000 | (generator.next() >> 2)
        )
    }
}
