import WitanCore

/// A command line or a configuration that cannot be understood: exit code 64.
struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// A setting that cannot be used, by itself or beside another.
    static func misconfigured(_ name: String, _ expectation: String) -> UsageError {
        UsageError(Failure.misconfigured(name, expectation).message)
    }
}
