import Testing

/// A place that breaks a rule, and what to do there.
struct Violation: CustomStringConvertible {
    let path: String
    let line: Int?
    let advice: String

    init(_ path: String, line: Int? = nil, _ advice: String) {
        self.path = path
        self.line = line
        self.advice = advice
    }

    var description: String { "\(path)\(line.map { ":\($0)" } ?? ""): \(advice)" }

    /// Fails the test once for each place.
    static func expectNone(_ violations: [Violation], sourceLocation: SourceLocation = #_sourceLocation) {
        for violation in violations {
            Issue.record("\(violation)", sourceLocation: sourceLocation)
        }
    }
}
