import Testing

/// Gives the tests of a suite, which run one after another, a PostgreSQL server of their own.
struct OwnServer: SuiteTrait, TestScoping {
    /// The server of the suite whose test runs.
    @TaskLocal static var current: PostgresInstance?

    private let settings: [String: String]

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await PostgresInstance.with(settings) { instance in
            try await Self.$current.withValue(instance, operation: function)
        }
    }

    /// The server that the test has.
    static func instance(sourceLocation: SourceLocation = #_sourceLocation) throws -> PostgresInstance {
        try #require(current, sourceLocation: sourceLocation)
    }

    fileprivate init(settings: [String: String]) {
        self.settings = settings
    }
}

extension Trait where Self == OwnServer {
    /// A server with these settings.
    static func ownServer(_ settings: [String: String] = [:]) -> OwnServer { OwnServer(settings: settings) }
}
