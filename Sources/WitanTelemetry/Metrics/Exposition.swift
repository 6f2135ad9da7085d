/// Writes the Prometheus text format, version 0.0.4.
struct Exposition {
    private(set) var bytes: [UInt8] = []

    mutating func header(name: String, help: String, type: String) {
        append("# HELP \(name) \(Self.escaped(help, quotes: false))\n")
        append("# TYPE \(name) \(type)\n")
    }

    /// One sample; `labels` is what stands between the braces, escaped already.
    mutating func sample(_ name: String, labels: String = "", text: String) {
        append(labels.isEmpty ? "\(name) \(text)\n" : "\(name){\(labels)} \(text)\n")
    }

    /// One sample, or none for `nil`.
    mutating func sample(_ name: String, labels: String = "", value: Double?) {
        guard let value else { return }
        sample(name, labels: labels, text: Self.text(value))
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// A number as Go's `ParseFloat` reads it, whole ones without a fraction.
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return value.description
    }

    /// Backslashes and newlines are escaped everywhere, quotes in label values alone.
    static func escaped(_ text: String, quotes: Bool = true) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
