import Testing
import WitanCore
import WitanEngines
import WitanStorage
import WitanTesting

@Suite("Keys by their digests")
struct CredentialStoreTests {
    private let store = CredentialStore()
    private let id = ObjectID(high: 3, low: 1)

    @Test("a key is found by its whole digest and by nothing like it", arguments: Engine.available)
    func find(_ engine: Engine) async throws {
        try await withKey(engine) { database in
            let key = try #require(try await database.read { try store.key(.apiKey, digest: [1, 2, 3], on: $0) })
            #expect(key.id == id)
            #expect(key.userID == .member)
            #expect(key.organizationID == .acme)
            #expect(key.digest == [1, 2, 3])
            #expect(key.pepperVersion == 1)
            for digest in [[], [1, 2], [1, 2, 3, 0], [3, 2, 1]] as [[UInt8]] {
                #expect(try await database.read { try store.key(.apiKey, digest: digest, on: $0) } == nil)
            }
        }
    }

    @Test(
        "a key moves to another pepper once; one that has gone meanwhile does not come back",
        arguments: Engine.available
    )
    func move(_ engine: Engine) async throws {
        try await withKey(engine) { database in
            let key = try #require(try await database.read { try store.key(.apiKey, digest: [1, 2, 3], on: $0) })
            for digest in [[4], [5]] as [[UInt8]] {
                try await database.write {
                    try store.replaceDigest(of: key, by: digest, pepperVersion: 2, on: $0)
                }
            }
            let counts = try await database.read { connection in
                try (1...2).map { try store.keyCount(pepperVersion: $0, on: connection) }
            }
            #expect(counts == [0, 1])
            #expect(try await database.read { try store.key(.apiKey, digest: [4], on: $0) }?.pepperVersion == 2)
            #expect(try await database.read { try store.key(.apiKey, digest: [5], on: $0) } == nil)

            try await database.byHand.write { try $0.run("DELETE FROM api_keys") }
            try await database.write { try store.replaceDigest(of: key, by: [6], pepperVersion: 2, on: $0) }
            #expect(try await database.read { try store.key(.apiKey, digest: [6], on: $0) } == nil)
        }
    }

    @Test(
        "a pepper's check value is kept until it is forgotten, which no key's pepper can be",
        arguments: Engine.available
    )
    func peppers(_ engine: Engine) async throws {
        try await withKey(engine) { database in
            let checks = try await database.read { try store.pepperChecks(on: $0) }
            #expect(checks.map(\.version) == [1, 2])
            #expect(checks.map(\.check) == [[1], [2]])
            await #expect(throws: Failure.self) {
                try await database.write { try store.deletePepperCheck(version: 1, on: $0) }
            }
            try await database.write { try store.deletePepperCheck(version: 2, on: $0) }
            #expect(try await database.read { try store.pepperChecks(on: $0) }.map(\.version) == [1])
        }
    }

    @Test(
        "a key is good until the moment that it expires at, as long as its owner is there",
        arguments: Engine.available
    )
    func good(_ engine: Engine) async throws {
        try await withKey(engine) { database in
            func digest(at now: Timestamp) async throws -> [UInt8]? {
                try await database.write { try store.digest(ofGood: .apiKey, id, at: now, on: $0) }
            }
            let end = Timestamp.start.advanced(by: .seconds(60))
            #expect(try await digest(at: end) == [1, 2, 3], "it does not end by itself")
            try await database.write { [id] in
                _ = try $0.run("UPDATE api_keys SET expires_at = \(end) WHERE id = \(id)")
            }
            #expect(try await digest(at: end.advanced(by: .microseconds(-1))) == [1, 2, 3])
            #expect(try await digest(at: end) == nil)
            #expect(try await database.write { try store.digest(ofGood: .serviceToken, id, at: .start, on: $0) } == nil)
            let wasMember = try await database.write {
                try AccountStore().removeMember(userID: .member, organizationID: .acme, on: $0)
            }
            #expect(wasMember)
            #expect(try await digest(at: .start) == nil)
        }
    }

    /// Makes a database with one key under the first of two peppers while `body` uses it.
    private func withKey(_ engine: Engine, _ body: (any SQLDatabase) async throws -> Void) async throws {
        try await engine.withSchema { database in
            try await database.addPeople()
            try await database.write { [id, store] connection in
                try store.insertPepperCheck(version: 2, check: [2], at: .start, on: connection)
                let digest: [UInt8] = [1, 2, 3]
                try connection.run(
                    """
                    INSERT INTO api_keys (id, created, name, preview_name, user_id, org_id, digest, pepper_version)
                    VALUES (
                        \(id), \(Timestamp.start), 'key', 'sk-****abcd', \(ObjectID.member), \(ObjectID.acme),
                        \(digest), 1
                    )
                    """
                )
            }
            try await body(database)
        }
    }
}
