/// What two clocks show at one moment, for durations on which safety rests.
///
/// Neither clock alone can be trusted with that: one that counts from the machine's start stands still while a virtual
/// machine is stopped from outside, and the wall clock can be set back. What both of them agree on has not gone by yet.
package struct ClockReading: Sendable, Hashable {
    /// Nanoseconds since the machine was started, those in which it slept among them.
    package var sinceBoot: Int64

    /// Nanoseconds of the wall clock.
    package var wall: Int64

    /// Takes what both clocks show.
    package init(sinceBoot: Int64, wall: Int64) {
        self.sinceBoot = sinceBoot
        self.wall = wall
    }

    /// The reading of clocks that have both gone on for so long.
    package func advanced(by duration: Duration) -> ClockReading {
        let nanoseconds = duration.nanoseconds
        return ClockReading(sinceBoot: sinceBoot + nanoseconds, wall: wall + nanoseconds)
    }

    /// Whether neither clock has come to the other reading yet.
    package func isBefore(_ other: ClockReading) -> Bool { sinceBoot < other.sinceBoot && wall < other.wall }
}
