/// How often a value fell into each of some ranges; an observation is two atomic additions.
///
/// The sum is kept as an integer in the unit that is observed, so it is exact however many threads add to it.
package final class Histogram: Sendable {
    /// The upper bounds of the ranges, and what is observed.
    package struct Buckets: Sendable {
        let bounds: [Double]
        let unitsPerOne: Double

        /// Durations: bounds in seconds, observed in nanoseconds.
        package static func seconds(_ bounds: [Double]) -> Buckets {
            Buckets(bounds: bounds, unitsPerOne: 1e9)
        }

        /// Numbers of things: bounds and observations alike.
        package static func items(_ bounds: [Double]) -> Buckets {
            Buckets(bounds: bounds, unitsPerOne: 1)
        }
    }

    private let buckets: Buckets
    private let limits: [Int64]
    /// One for each bound and a last one for what is above them all; not cumulative.
    private let counts: [Counter]
    private let sum = Counter()

    init(buckets: Buckets) {
        self.buckets = buckets
        limits = buckets.bounds.map { Int64(($0 * buckets.unitsPerOne).rounded()) }
        counts = (0...limits.count).map { _ in Counter() }
    }

    /// Counts one value: nanoseconds for `.seconds` buckets, the number itself for `.items`.
    ///
    /// A negative one counts as 0.
    package func observe(_ value: Int64) {
        counts[limits.firstIndex { value <= $0 } ?? limits.count].increment()
        sum.increment(by: value)
    }

    func write(to exposition: inout Exposition, name: String, labels: String) {
        var total: UInt64 = 0
        let separator = labels.isEmpty ? "" : ","
        for (index, count) in counts.enumerated() {
            total += count.value
            let bound = index < limits.count ? buckets.bounds[index] : .infinity
            let le = "le=\"\(Exposition.text(bound))\""
            exposition.sample(name + "_bucket", labels: labels + separator + le, text: String(total))
        }
        exposition.sample(name + "_sum", labels: labels, value: Double(sum.value) / buckets.unitsPerOne)
        // From the same reading as the buckets: the format asks that it equals the last of them.
        exposition.sample(name + "_count", labels: labels, text: String(total))
    }
}
