import HTTPTypes
import Synchronization
import Testing
import WitanAccess
import WitanCore
import WitanHTTP
import WitanTesting

@Suite("A deleted key is dead before DELETE answers")
struct RevocationTests {
    @Test("a request that begins after the answer is 401, whatever races with it", arguments: 1...5)
    func race(_ round: Int) async throws {
        try await TestServer.run(Self.unlimited) { server in
            let owner = server.owner
            let doomed = try await server.makeKey("doomed", as: owner)
            let deletion = Flag()
            let (warm, told) = AsyncStream<Void>.makeStream()
            try await withThrowingTaskGroup { group in
                for _ in 1...16 {
                    group.addTask {
                        for _ in 1...2_000 {
                            let wasDeleted = deletion.isRaised
                            let status = try await server.send(.post, "/api/self/me", as: doomed).status
                            told.yield()
                            #expect(status == 401 || (status == 200 && !wasDeleted))
                            if wasDeleted { return }
                        }
                    }
                }
                for await _ in warm.prefix(16 * round) {}
                let answer = try await server.send(.delete, "/v1/api_key/\(doomed.keyID)", as: owner)
                deletion.raise()
                #expect(answer.status == 200)
                #expect(try await server.send(.post, "/api/self/me", as: doomed).status == 401)
                try await group.waitForAll()
            }
        }
    }

    @Test("a check that read the key before it was deleted does not put it back into the cache")
    func inFlightCheck() async throws {
        try await TestServer.run(Self.unlimited) { server in
            let doomed = try await server.makeKey("doomed", as: server.owner)
            let entries = server.cache.statistics.count
            let checkpoint = server.database.holdNext(.read)
            async let racing = server.send(.post, "/api/self/me", as: doomed)
            await checkpoint.waitUntilReached()
            let deleted = try await server.send(.delete, "/v1/api_key/\(doomed.keyID)", as: server.owner)
            #expect(deleted.status == 200)
            checkpoint.open()
            // It began before the key was deleted, so it may still be answered; nothing after it may.
            #expect([200, 401].contains(try await racing.status))
            #expect(server.cache.statistics.count == entries)
            for _ in 1...3 { #expect(try await server.send(.post, "/api/self/me", as: doomed).status == 401) }
        }
    }

    @Test("only the deleted key is forgotten")
    func others() async throws {
        try await TestServer.run(Self.unlimited) { server in
            let kept = try await server.makeKey("kept", as: server.owner)
            let doomed = try await server.makeKey("doomed", as: server.owner)
            for person in [kept, doomed] {
                #expect(try await server.send(.post, "/api/self/me", as: person).status == 200)
            }
            _ = try await server.send(.delete, "/v1/api_key/\(doomed.keyID)", as: server.owner)
            let statements = try await server.database.statements { () async throws in
                #expect(try await server.send(.post, "/api/self/me", as: kept).status == 200)
            }
            #expect(statements == [])
        }
    }

    @Test("of many deletions of one key at once, one is answered 200 and all others 403")
    func deleteOnce() async throws {
        try await TestServer.run(Self.unlimited) { server in
            let owner = server.owner
            let doomed = try await server.makeKey("doomed", as: owner)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...20 {
                    group.addTask { try await server.send(.delete, "/v1/api_key/\(doomed.keyID)", as: owner).status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == [200] + Array(repeating: 403, count: 19))
        }
    }

    private static var unlimited: TestServer.Options {
        var options = TestServer.Options()
        options.configuration.credentialLimit = nil
        options.failedAuthenticationLimit = nil
        return options
    }
}

/// Something that has happened, told to other tasks.
private final class Flag: Sendable {
    private let state = Atomic(false)

    var isRaised: Bool { state.load(ordering: .sequentiallyConsistent) }

    func raise() {
        state.store(true, ordering: .sequentiallyConsistent)
    }
}
