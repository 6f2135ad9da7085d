import HTTPTypes
import Synchronization
import Testing
import WitanAccess
import WitanCore
import WitanEngines
import WitanServices
import WitanStorage
import WitanTesting

@Suite("Peppers are rotated while keys go on working")
struct PepperRotationTests {
    @Test("keys of the old pepper work, move to the new one on use, and new keys are made under it")
    func rotation() async throws {
        try await Engine.chosen.withDatabase { database in
            let (first, people) = try await Self.prepare(database)
            var random = RandomSource.seeded(99)
            let rotated = try first.rotatingPeppers(using: &random)
            let registry = PepperRegistry(database: database, peppers: rotated.peppers)
            var options = TestServer.Options()
            options.secrets = rotated
            options.people = people
            options.seed = 2
            try await TestServer.run(on: database, options) { server in
                #expect(try await registry.usage().map(\.keys) == [3, 0])
                #expect(try await server.send(.post, "/api/self/me", as: server.owner).status == 200)
                #expect(try await registry.usage().map(\.keys) == [2, 1])
                // A warm key moves no second time, and a new one begins under the newest pepper.
                #expect(try await server.send(.post, "/api/self/me", as: server.owner).status == 200)
                let made = try await server.makeKey("new", as: server.owner)
                #expect(try await server.send(.post, "/api/self/me", as: made).status == 200)
                #expect(try await registry.usage().map(\.keys) == [2, 2])
                await #expect(throws: Failure.self) { try await registry.forget(version: 1) }
                for person in [server.member, server.stranger] {
                    #expect(try await server.send(.post, "/api/self/me", as: person).status == 200)
                }
                #expect(try await registry.usage().map(\.keys) == [0, 4])
                try await registry.forget(version: 1)
            }
            options.secrets = try rotated.removingPepper(version: 1)
            options.seed = 3
            try await TestServer.run(on: database, options) { server async throws in
                for person in [server.owner, server.member, server.stranger] {
                    #expect(try await server.send(.post, "/api/self/me", as: person).status == 200)
                }
            }
        }
    }

    @Test("a key that is checked many times at once moves once and is refused never")
    func concurrentMove() async throws {
        try await Engine.chosen.withDatabase { database in
            let (first, people) = try await Self.prepare(database)
            var random = RandomSource.seeded(99)
            var options = TestServer.Options()
            options.secrets = try first.rotatingPeppers(using: &random)
            options.people = people
            options.seed = 2
            try await TestServer.run(on: database, options) { server in
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 1...50 {
                        group.addTask { try await server.send(.post, "/api/self/me", as: people.owner).status }
                    }
                    return try await group.reduce(into: Set()) { $0.insert($1) }
                }
                #expect(statuses == [200])
            }
        }
    }

    @Test("a server with a pepper too few, or another one of the same version, does not start")
    func wrongPeppers() async throws {
        try await Engine.chosen.withDatabase { database in
            let (first, people) = try await Self.prepare(database)
            var random = RandomSource.seeded(99)
            var options = TestServer.Options()
            options.people = people
            for secrets in [
                try ServerSecrets.generate(using: &random),
                try first.rotatingPeppers(using: &random).removingPepper(version: 1),
            ] {
                options.secrets = secrets
                let failure = await #expect(throws: Failure.self) {
                    try await TestServer.run(on: database, options) { _ in Issue.record("the server runs") }
                }
                #expect(failure?.message.contains("epper 1") == true)
            }
        }
    }

    /// A database with the keys of three people under the first pepper.
    private static func prepare(_ database: any SQLDatabase) async throws -> (ServerSecrets, TestServer.People) {
        var random = RandomSource.seeded(42)
        let secrets = try ServerSecrets.generate(using: &random)
        var options = TestServer.Options()
        options.secrets = secrets
        let people = Mutex<TestServer.People?>(nil)
        try await TestServer.run(on: database, options) { server in people.withLock { $0 = server.people } }
        return (secrets, try #require(people.withLock { $0 }))
    }
}
