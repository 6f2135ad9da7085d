import WitanCore
import WitanHTTP
package import WitanStorage

extension TestServer {
    /// Runs several nodes on one new database of an engine's while `body` uses them.
    package static func runNodes(
        _ count: Int,
        on engine: Engine,
        _ options: Options = Options(),
        _ body: @escaping @Sendable ([TestServer]) async throws -> Void
    ) async throws {
        try await engine.withDatabase(limits: options.configuration.limits) { database in
            try await runNodes(count, beside: [], on: database, options, body)
        }
    }

    /// Runs further nodes on the database of those that run already while `body` uses all of them.
    package static func runNodes(
        _ count: Int,
        beside servers: [TestServer],
        on database: any SQLDatabase,
        _ options: Options = Options(),
        _ body: @escaping @Sendable ([TestServer]) async throws -> Void
    ) async throws {
        guard count > 0 else { return try await body(servers) }
        var own = options
        own.isNode = true
        own.seed = options.seed + UInt64(servers.count)
        if let first = servers.first {
            own.people = first.people
            own.secrets = first.secrets
        }
        try await run(on: database, own) { server in
            try await runNodes(count - 1, beside: servers + [server], on: database, options, body)
        }
    }

    /// Waits until something is so, which other tasks bring about.
    ///
    /// - Throws: a `.bug` that names it when it is not so after five minutes, on however busy a machine.
    package static func wait(
        until what: String,
        _ condition: @Sendable () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(300)
        while try await !condition() {
            guard ContinuousClock.now < deadline else { throw Failure.bug("It did not come about that \(what)") }
            await ChangeTimer().wait(atMost: .milliseconds(1))
        }
    }
}
