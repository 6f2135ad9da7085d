/// Where commands do their work: on the data of a stopped server, or over the API of a running one.
struct Place: Sendable {
    let arguments: [String]
    let environment: [String: String]

    /// The data of a server that does not run.
    static func data(_ folder: TemporaryFolder) -> Place {
        Place(arguments: ["--data", folder.data], environment: [:])
    }

    /// A running server, as the owner of a key.
    static func api(_ server: ServerProcess, key: String) -> Place {
        Place(arguments: ["--url", server.url], environment: ["WITAN_API_KEY": key])
    }

    /// Runs a command there.
    func run(_ arguments: [String]) async throws -> Command {
        try await Command.witan(arguments + self.arguments, environment: environment)
    }

    /// Runs a command there.
    func run(_ arguments: String...) async throws -> Command { try await run(arguments) }
}
