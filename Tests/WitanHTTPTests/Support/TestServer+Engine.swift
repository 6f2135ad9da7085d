import WitanEngines
import WitanTesting

extension TestServer {
    /// Runs a server on a database of its own, of the chosen engine.
    static func run(_ options: Options = Options(), _ body: @Sendable (TestServer) async throws -> Void) async throws {
        try await run(on: .chosen, options, body)
    }
}
