import Testing
import WitanCore
import WitanEngines
import WitanStorage
import WitanTesting

@Suite("What people sign in with, and their sessions")
struct SignInStoreTests {
    private let store = SignInStore()
    private let sessions = SessionStore()

    @Test("each end of a person's links makes another generation, whatever the clock says", arguments: Engine.available)
    func generations(_ engine: Engine) async throws {
        try await engine.withSchema { database async throws in
            try await database.addPeople()
            let soon = Timestamp.start.advanced(by: .seconds(600))
            var seen: [Int64?] = [try await database.read { try store.linkGeneration(of: .member, on: $0) }]
            for end in [soon, soon, soon.advanced(by: .seconds(-60)), soon.advanced(by: .seconds(60))] {
                try await database.write { try store.endLinks(of: .member, expiringBy: end, on: $0) }
                seen.append(try await database.read { try store.linkGeneration(of: .member, on: $0) })
            }
            #expect(seen.first == .some(nil))
            #expect(Set(seen).count == 5)
            #expect(try await database.read { try store.linkGeneration(of: .owner, on: $0) } == nil)

            // It is kept longer than any link from before it is good for, and not for ever.
            for (duration, isKept) in [(Duration.seconds(600 + 60), true), (.seconds(600 + 60 + 3_600), false)] {
                let now = Timestamp.start.advanced(by: duration)
                try await database.write { try sessions.deleteExpired(at: now, limit: 10, on: $0) }
                let generation = try await database.read { try store.linkGeneration(of: .member, on: $0) }
                #expect((generation != nil) == isKept)
            }
        }
    }

    @Test("a link is marked as used once", arguments: Engine.available)
    func use(_ engine: Engine) async throws {
        try await engine.withSchema { database async throws in
            for isFirst in [true, false] {
                #expect(try await database.write { try store.useLink("a", expiresAt: .start, on: $0) } == isFirst)
            }
        }
    }

    @Test("a password is found by its person's address, and nobody's by another", arguments: Engine.available)
    func password(_ engine: Engine) async throws {
        try await engine.withSchema { database async throws in
            try await database.addPeople()
            try await database.write { try store.setPasswordHash("hash", of: .member, at: .start, on: $0) }
            for (email, hash) in [("member@witan.test", "hash"), ("owner@witan.test", nil), ("nobody@witan.test", nil)]
            {
                #expect(try await database.read { try store.passwordHash(email: email, on: $0) } == hash)
            }
        }
    }

    @Test(
        "all of a person's sessions but one that is kept end in one statement, and nobody else's",
        arguments: Engine.available
    )
    func endingAll(_ engine: Engine) async throws {
        try await engine.withSchema { database async throws in
            try await database.addPeople()
            let recorder = SQLRecorder(database)
            let ids = (1...5).map { ObjectID(high: 9, low: $0) }
            let another = ObjectID(high: 9, low: 6)
            try await database.write { connection in
                for (number, id) in (ids + [another]).enumerated() {
                    let session = SessionStore.Session(
                        id: id,
                        userID: id == another ? .owner : .member,
                        method: .password,
                        clientAddress: nil,
                        userAgent: nil,
                        created: .start,
                        expiresAt: Timestamp.start.advanced(by: .seconds(60))
                    )
                    try sessions.insert(session, digest: [UInt8(number)], pepperVersion: 1, on: connection)
                }
            }
            for (kept, ended) in [(ids[2], Set(ids).subtracting([ids[2]])), (nil, [ids[2]]), (nil, [])] {
                let statements = try await recorder.statements {
                    let found = try await recorder.write { try sessions.deleteAll(of: .member, except: kept, on: $0) }
                    #expect(Set(found) == ended && found.count == ended.count)
                }
                #expect(statements.count == 1)
            }
            #expect(try await database.read { try sessions.beginning(of: another, at: .start, on: $0) } == .start)
        }
    }

    @Test("a session has begun when it did, until the moment that it ends at", arguments: Engine.available)
    func beginning(_ engine: Engine) async throws {
        try await engine.withSchema { database async throws in
            try await database.addPeople()
            let end = Timestamp.start.advanced(by: .seconds(60))
            let session = SessionStore.Session(
                id: ObjectID(high: 9, low: 1),
                userID: .member,
                method: .link,
                clientAddress: nil,
                userAgent: nil,
                created: .start,
                expiresAt: end
            )
            try await database.write { try sessions.insert(session, digest: [1], pepperVersion: 1, on: $0) }
            for (id, now, beginning) in [
                (session.id, end.advanced(by: .microseconds(-1)), Timestamp.start), (session.id, end, nil),
                (ObjectID(high: 9, low: 2), .start, nil),
            ] {
                #expect(try await database.read { try sessions.beginning(of: id, at: now, on: $0) } == beginning)
            }
        }
    }
}
