import Testing
import WitanJSON

extension TemporaryFolder {
    /// Makes an installation in its data folder: Acme with its owner Ada, whose key it gives.
    func initialize(sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        let arguments = ["init", "--organization", "Acme", "--email", "ada@example.com", "--json", "--data", data]
        let made = try await Command.witan(arguments).json(sourceLocation: sourceLocation)
        return try #require(made["api_key"]?.object?["key"]?.string, sourceLocation: sourceLocation)
    }
}
