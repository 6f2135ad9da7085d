/// A number of events in a period, with a burst: `1000/s burst 2000`.
package struct RateLimit: Sendable, Hashable {
    /// What the number of events is counted in.
    package enum Period: String, Sendable, CaseIterable {
        case second = "s"
        case minute = "m"

        /// Its length in nanoseconds.
        package var nanoseconds: Int64 {
            switch self {
            case .second: 1_000_000_000
            case .minute: 60_000_000_000
            }
        }
    }

    /// What both numbers may be; above, the interval between two events would be too few nanoseconds to be exact.
    package static let range = 1...10_000_000

    /// Events in a period, in the long run.
    package let events: Int

    /// The period that `events` are counted in.
    package let period: Period

    /// Events at once, after a rest.
    package let burst: Int

    /// A limit of `events` a period and `burst` at once; both must be in `range`.
    package init(_ events: Int, per period: Period, burst: Int) {
        precondition(Self.range.contains(events) && Self.range.contains(burst), "a rate limit out of range")
        self.events = events
        self.period = period
        self.burst = burst
    }

    /// A limit of `perSecond` events a second and `burst` at once; both must be in `range`.
    package init(perSecond: Int, burst: Int) {
        self.init(perSecond, per: .second, burst: burst)
    }
}

extension RateLimit: CustomStringConvertible {
    /// The form that configuration takes: `1000/s burst 2000`.
    package var description: String { "\(events)/\(period.rawValue) burst \(burst)" }
}
