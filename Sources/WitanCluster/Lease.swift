package import WitanCore

/// How long a node may use what it has cached.
///
/// It begins when the node *sends* its question for the changes of others, because only what was committed before the
/// answer was made is known, and nobody can tell when that was. It ends when either of two clocks says so.
package struct Lease: Sendable, Hashable {
    private let end: ClockReading

    /// A lease by a question that was sent when the clocks showed this.
    package init(sent: ClockReading, duration: Duration) {
        end = sent.advanced(by: duration)
    }

    /// A lease that ends when the clocks show this.
    init(end: ClockReading) {
        self.end = end
    }

    /// Whether both clocks still allow it.
    package func isHeld(at now: ClockReading) -> Bool { now.isBefore(end) }

    /// When it ends.
    var endReading: ClockReading { end }
}
