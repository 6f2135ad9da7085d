/// One line of the metrics: a series and its value.
package struct MetricSample: Sendable, Hashable {
    /// The metric's name.
    package let name: String

    /// The labels and their values.
    package let labels: [String: String]

    /// The value.
    package let value: Double

    /// Reads the lines of Prometheus's text format; `nil` for one that is no sample.
    package static func parse(_ text: String) -> [MetricSample?] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { MetricSample($0) }
    }

    private init?(_ line: Substring) {
        guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
            return nil
        }
        let series = line[..<space]
        let brace = series.firstIndex(of: "{") ?? series.endIndex
        var labels: [String: String] = [:]
        if brace < series.endIndex {
            guard series.last == "}" else { return nil }
            // No label of Witan's holds a comma or a quotation mark.
            for pair in series[series.index(after: brace)...].dropLast().split(separator: ",") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, parts[1].first == "\"", parts[1].last == "\"" else { return nil }
                labels[String(parts[0])] = String(parts[1].dropFirst().dropLast())
            }
        }
        self.name = String(series[..<brace])
        self.labels = labels
        self.value = value
    }
}
