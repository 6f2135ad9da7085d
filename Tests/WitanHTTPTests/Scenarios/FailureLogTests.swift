import HTTPTypes
import Synchronization
import Testing
import WitanCore
import WitanEngines
import WitanStorage
import WitanTesting

@Suite("The log of failures")
struct FailureLogTests {
    @Test("while the database is away its sentence is logged once a second, with the number of others")
    func awayDatabase() async throws {
        try await Engine.chosen.withDatabase { base in
            let database = SwitchedDatabase(base)
            try await TestServer.run(on: database) { server async throws in
                database.isAway.store(true, ordering: .relaxed)
                for _ in 1...20 { #expect(try await server.send(.get, "/readyz").status == 503) }
                #expect(Self.failures(of: server).count == 1)
                server.clock.advance(by: .seconds(1))
                #expect(try await server.send(.get, "/readyz").status == 503)
                let lines = Self.failures(of: server)
                #expect(lines.count == 2)
                #expect(lines.last?.contains(#""others":"19""#) == true, "\(lines)")
            }
        }
    }

    @Test("what fails on a page is logged in the same way, under the trace of its request")
    func page() async throws {
        try await Engine.chosen.withDatabase { base in
            let database = SwitchedDatabase(base)
            try await TestServer.run(on: database) { server async throws in
                let browser = try await TestBrowser.signedIn(server.owner, on: server)
                database.isAway.store(true, ordering: .relaxed)
                for _ in 1...20 { #expect(try await browser.get("/app/~/configuration/org/api-keys").status == 503) }
                let lines = Self.failures(of: server)
                #expect(lines.count == 1)
                #expect(lines.first?.contains("no connection") == true, "\(lines)")
                #expect(lines.first?.firstMatch(of: #/"trace_id":"[0-9a-f]{32}"/#) != nil, "\(lines)")
            }
        }
    }

    private static func failures(of server: TestServer) -> [String] {
        server.log.text.split(separator: "\n").map(String.init).filter { $0.contains("The database is out for lunch.") }
    }
}

/// A database that can be away.
private final class SwitchedDatabase: SQLDatabase {
    let isAway = Atomic(false)

    private let base: any SQLDatabase

    init(_ base: any SQLDatabase) {
        self.base = base
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try requirePresence()
        return try await base.read(body)
    }

    func write<Value: Sendable>(
        _ concurrency: WriteConcurrency,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try requirePresence()
        return try await base.write(concurrency, body)
    }

    private func requirePresence() throws(Failure) {
        guard isAway.load(ordering: .relaxed) else { return }
        throw Failure(.unavailable, "The database is out for lunch.", underlying: Failure.bug("no connection"))
    }
}
