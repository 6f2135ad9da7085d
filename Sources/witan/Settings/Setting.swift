import WitanCore

/// One thing that can be set: by a flag, by a `WITAN_…` variable, or in the configuration file, in that order.
struct Setting<Value: Sendable>: Sendable {
    /// What the engine, the help and the documents need to know of it.
    let declaration: SettingDeclaration

    /// Makes a value of the texts that were given; most settings take one.
    let parse: @Sendable ([String]) throws(Failure) -> Value
}

/// A setting without its type.
struct SettingDeclaration: Sendable {
    /// The name of the flag without its dashes, and of the file's member: `rate-limit`.
    let name: String

    /// What stands for its value in the help: `N/s`.
    let placeholder: String

    /// What it does, in one sentence without a full stop.
    let summary: String

    /// The value without any setting, as text; nil when there is none.
    let standard: String?

    /// Whether it takes several values: the flag repeated, the variable's parts between commas, the file's list.
    var isList = false

    /// The environment variable: `WITAN_RATE_LIMIT`.
    var variable: String { "WITAN_" + name.uppercased().replacing("-", with: "_") }
}

extension Setting {
    /// A setting of one text.
    init(
        _ name: String,
        _ placeholder: String,
        _ summary: String,
        default standard: String? = nil,
        parse: @escaping @Sendable (String) throws(Failure) -> Value
    ) {
        declaration = SettingDeclaration(name: name, placeholder: placeholder, summary: summary, standard: standard)
        self.parse = { texts throws(Failure) in try parse(texts.last ?? "") }
    }

    /// A setting of several texts.
    init(
        list name: String,
        _ placeholder: String,
        _ summary: String,
        default standard: [String],
        parse: @escaping @Sendable ([String]) throws(Failure) -> Value
    ) {
        declaration = SettingDeclaration(
            name: name,
            placeholder: placeholder,
            summary: summary,
            standard: standard.joined(separator: ","),
            isList: true
        )
        self.parse = parse
    }
}

extension Setting<String> {
    init(_ name: String, _ placeholder: String, _ summary: String, default standard: String? = nil) {
        self.init(name, placeholder, summary, default: standard) { text throws(Failure) in text }
    }
}

extension Setting<Int> {
    /// A whole number within bounds.
    init(_ name: String, _ summary: String, default standard: Int, in range: ClosedRange<Int>) {
        self.init(name, "N", summary, default: String(standard)) { text throws(Failure) in
            guard let value = Int(text), range.contains(value) else {
                throw .misconfigured(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
    }
}

extension Setting<Bool> {
    init(_ name: String, _ summary: String, default standard: Bool) {
        self.init(name, "true|false", summary, default: String(standard)) { text throws(Failure) in
            guard let value = Bool(text) else { throw .misconfigured(name, "must be true or false") }
            return value
        }
    }
}

extension Setting<Duration> {
    /// A time with its unit: `500ms`, `30s`, `5m`, `12h`.
    init(_ name: String, _ summary: String, default standard: String) {
        self.init(name, "TIME", summary, default: standard) { text throws(Failure) in
            let units: [(String, Int64)] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)]
            for (unit, milliseconds) in units where text.hasSuffix(unit) {
                if let count = Int64(text.dropLast(unit.count)), (1...1_000_000).contains(count) {
                    return .milliseconds(count * milliseconds)
                }
            }
            throw .misconfigured(name, "must be a time with its unit, such as 500ms, 30s or 5m")
        }
    }
}

extension Setting where Value: RawRepresentable<String> & CaseIterable {
    /// One of a few words.
    init(_ name: String, _ summary: String, default standard: Value) {
        let words = Value.allCases.map(\.rawValue)
        self.init(name, words.joined(separator: "|"), summary, default: standard.rawValue) { text throws(Failure) in
            guard let value = Value(rawValue: text) else {
                throw .misconfigured(name, "must be one of \(words.joined(separator: ", "))")
            }
            return value
        }
    }
}

extension Failure {
    /// A setting whose value cannot be used.
    static func misconfigured(_ name: String, _ expectation: String) -> Failure {
        // What another refusal says ends with a full stop already.
        Failure(.invalidRequest, "The setting \(name) \(expectation)\(expectation.hasSuffix(".") ? "" : ".")")
    }
}
