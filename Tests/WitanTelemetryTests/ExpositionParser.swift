/// Reads the Prometheus text format strictly, so that the tests judge the text by the grammar and not by its looks.
struct ExpositionParser {
    struct Sample: Hashable {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Family: Hashable {
        let name: String
        var help = ""
        var type = ""
        var samples: [Sample] = []
    }

    struct SyntaxError: Error {
        let line: String
        let reason: String
    }

    /// The families in their order.
    static func parse(_ bytes: [UInt8]) throws -> [Family] {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.isEmpty || text.hasSuffix("\n") else { throw SyntaxError(line: "", reason: "no newline at the end") }
        var families: [Family] = []
        for line in text.unicodeScalars.split(separator: "\n").map(String.init) {
            if line.hasPrefix("# HELP ") {
                let words = line.dropFirst(7).split(separator: " ", maxSplits: 1).map(String.init)
                guard words.count == 2, !families.contains(where: { $0.name == words[0] }) else {
                    throw SyntaxError(line: line, reason: "HELP without text or given twice")
                }
                families.append(Family(name: words[0], help: unescaped(words[1])))
            } else if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ").map(String.init)
                guard words.count == 4, let last = families.indices.last, families[last].name == words[2],
                    families[last].type.isEmpty, ["counter", "gauge", "histogram"].contains(words[3])
                else { throw SyntaxError(line: line, reason: "TYPE that does not follow its HELP") }
                families[last].type = words[3]
            } else {
                let sample = try sample(line)
                guard let last = families.indices.last, sample.name.hasPrefix(families[last].name) else {
                    throw SyntaxError(line: line, reason: "a sample outside its family")
                }
                guard !families[last].samples.contains(where: { ($0.name, $0.labels) == (sample.name, sample.labels) })
                else { throw SyntaxError(line: line, reason: "a series given twice") }
                families[last].samples.append(sample)
            }
        }
        return families
    }

    private static func sample(_ line: String) throws -> Sample {
        var rest = Substring(line)
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }
        rest.removeFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest.removeFirst()
            while rest.first != "}" {
                let label = rest.prefix { $0 != "=" }
                rest.removeFirst(label.count)
                guard rest.hasPrefix("=\""), labels[String(label)] == nil else {
                    throw SyntaxError(line: line, reason: "a label without a value, or twice")
                }
                rest.removeFirst(2)
                var value = ""
                while let next = rest.first, next != "\"" {
                    rest.removeFirst()
                    value.append(next)
                    guard next == "\\" else { continue }
                    guard let escaped = rest.popFirst(), ["\\", "\"", "n"].contains(escaped) else {
                        throw SyntaxError(line: line, reason: "an unknown escape")
                    }
                    value.append(escaped)
                }
                guard rest.popFirst() == "\"" else { throw SyntaxError(line: line, reason: "an open value") }
                labels[String(label)] = unescaped(value)
                if rest.first == "," { rest.removeFirst() }
            }
            rest.removeFirst()
        }
        guard !name.isEmpty, rest.popFirst() == " " else { throw SyntaxError(line: line, reason: "no value") }
        let numbers = ["+Inf": Double.infinity, "-Inf": -Double.infinity, "NaN": Double.nan]
        guard let value = numbers[String(rest)] ?? Double(rest) else {
            throw SyntaxError(line: line, reason: "not a number")
        }
        return Sample(name: String(name), labels: labels, value: value)
    }

    private static func unescaped(_ text: String) -> String {
        var result = ""
        var rest = Substring(text)
        while let next = rest.popFirst() {
            guard next == "\\", let escaped = rest.popFirst() else {
                result.append(next)
                continue
            }
            result.append(escaped == "n" ? "\n" : escaped)
        }
        return result
    }
}

extension [ExpositionParser.Family] {
    /// The samples of a family as pairs of labels and value, for comparison.
    func values(of name: String) -> [[String: String]: Double] {
        var values: [[String: String]: Double] = [:]
        for sample in first(where: { $0.name == name })?.samples ?? [] {
            values[sample.labels.merging(["": sample.name]) { old, _ in old }] = sample.value
        }
        return values
    }

    /// The value of one series, `nil` when there is none.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        lazy.flatMap(\.samples).first { $0.name == name && $0.labels == labels }?.value
    }
}
