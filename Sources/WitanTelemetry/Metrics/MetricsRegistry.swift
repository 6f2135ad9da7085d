import Synchronization
package import WitanCore

/// Every metric of the process, rendered for Prometheus on request.
///
/// Registering happens once, at start; what it returns is a handle that counts without a lock. A name or label outside
/// the grammar, or one that is taken, is a `Failure` with the code `.bug`.
package final class MetricsRegistry: Sendable {
    private struct Metric: Sendable {
        let name: String
        let help: String
        let type: String
        let write: @Sendable (inout Exposition) -> Void
    }

    private struct State {
        var metrics: [Metric] = []
        var seriesNames: Set<String> = []
    }

    private let state = Mutex(State())

    /// A registry without metrics.
    package init() {}

    /// All metrics in the text format, version 0.0.4, in the order of their registration.
    ///
    /// https://prometheus.io/docs/instrumenting/exposition_formats/
    package func render() -> [UInt8] {
        // Copied out first: the closures behind some values take locks of their own.
        let metrics = state.withLock { $0.metrics }
        var exposition = Exposition()
        for metric in metrics {
            exposition.header(name: metric.name, help: metric.help, type: metric.type)
            metric.write(&exposition)
        }
        return exposition.bytes
    }

    /// The media type of `render()`.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"
}

// MARK: - Single metrics

extension MetricsRegistry {
    /// A number that only grows.
    package func counter(_ name: String, help: String) throws(Failure) -> Counter {
        let counter = Counter()
        try register(name, help: help, type: "counter") { counter.write(to: &$0, name: name, labels: "") }
        return counter
    }

    /// A number that only grows and is kept elsewhere, read at each rendering; `nil` leaves the sample out.
    package func counter(
        _ name: String,
        help: String,
        value: @escaping @Sendable () -> Double?
    ) throws(Failure) {
        try register(name, help: help, type: "counter") { $0.sample(name, value: value()) }
    }

    /// A number that goes up and down.
    package func gauge(_ name: String, help: String) throws(Failure) -> Gauge {
        let gauge = Gauge()
        try register(name, help: help, type: "gauge") { gauge.write(to: &$0, name: name, labels: "") }
        return gauge
    }

    /// A number that is kept elsewhere, read at each rendering; `nil` leaves the sample out.
    package func gauge(
        _ name: String,
        help: String,
        value: @escaping @Sendable () -> Double?
    ) throws(Failure) {
        try register(name, help: help, type: "gauge") { $0.sample(name, value: value()) }
    }

    /// The distribution of a value over `buckets`.
    package func histogram(_ name: String, help: String, buckets: Histogram.Buckets) throws(Failure) -> Histogram {
        try check(buckets, of: name)
        let histogram = Histogram(buckets: buckets)
        try register(name, help: help, type: "histogram") { histogram.write(to: &$0, name: name, labels: "") }
        return histogram
    }
}

// MARK: - Families

extension MetricsRegistry {
    /// Counters told apart by one to three labels.
    ///
    /// After `limit` combinations of values, further ones share one member whose values are all `overflow`.
    package func counterFamily(
        _ name: String,
        help: String,
        labels: [String],
        limit: Int = 1_000
    ) throws(Failure) -> MetricFamily<Counter> {
        let family = MetricFamily(labels: labels, limit: limit, make: Counter.init)
        try register(name, help: help, type: "counter", labels: labels) { exposition in
            for (labels, counter) in family.members { counter.write(to: &exposition, name: name, labels: labels) }
        }
        return family
    }

    /// Histograms told apart by one to three labels; `limit` as in `counterFamily`.
    package func histogramFamily(
        _ name: String,
        help: String,
        labels: [String],
        buckets: Histogram.Buckets,
        limit: Int = 1_000
    ) throws(Failure) -> MetricFamily<Histogram> {
        try check(buckets, of: name)
        let family = MetricFamily(labels: labels, limit: limit) { Histogram(buckets: buckets) }
        try register(name, help: help, type: "histogram", labels: labels) { exposition in
            for (labels, histogram) in family.members { histogram.write(to: &exposition, name: name, labels: labels) }
        }
        return family
    }
}

// MARK: - Registration

extension MetricsRegistry {
    private func register(
        _ name: String,
        help: String,
        type: String,
        labels: [String]? = nil,
        write: @escaping @Sendable (inout Exposition) -> Void
    ) throws(Failure) {
        guard Self.isName(name, colons: true) else {
            throw .bug("\(name) is not a metric's name: letters, digits, underscores and colons, no digit first")
        }
        if let labels {
            guard (1...3).contains(labels.count), Set(labels).count == labels.count else {
                throw .bug("\(name) must have one to three different labels")
            }
            for label in labels where !Self.isName(label, colons: false) || label.hasPrefix("__") || label == "le" {
                throw .bug("\(label) is not a label's name: letters, digits and underscores, not reserved")
            }
        }
        let suffixes = type == "histogram" ? ["", "_bucket", "_sum", "_count"] : [""]
        let isNew = state.withLock { state in
            let names = suffixes.map { name + $0 }
            guard state.seriesNames.isDisjoint(with: names) else { return false }
            state.seriesNames.formUnion(names)
            state.metrics.append(Metric(name: name, help: help, type: type, write: write))
            return true
        }
        guard isNew else { throw .bug("The metric \(name) is registered twice") }
    }

    private func check(_ buckets: Histogram.Buckets, of name: String) throws(Failure) {
        let bounds = buckets.bounds
        guard !bounds.isEmpty, bounds.allSatisfy({ $0 > 0 && $0.isFinite }),
            zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw .bug("The buckets of \(name) must be positive, finite and ascending") }
    }

    private static func isName(_ text: String, colons: Bool) -> Bool {
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): break
            case UInt8(ascii: "0")...UInt8(ascii: "9") where index > 0: break
            case UInt8(ascii: ":") where colons: break
            default: return false
            }
        }
        return !text.isEmpty
    }
}
