import Testing
import WitanCore
import WitanEngines
import WitanStorage
import WitanTesting

@Suite("People and their organizations")
struct AccountStoreTests {
    private let store = AccountStore()

    @Test(
        "a person is found by id and by address in any case, with all organizations by name",
        arguments: Engine.available
    )
    func find(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await database.addPeople()
            try await database.write { [store] connection in
                try store.insertMember(
                    userID: .stranger,
                    organizationID: .acme,
                    at: .start,
                    on: connection
                )
            }
            let account = try #require(try await database.read { try store.account(userID: .stranger, on: $0) })
            #expect(account.email == "stranger@witan.test")
            #expect(account.givenName == "stranger")
            #expect(account.familyName == nil)
            #expect(account.created == .start)
            #expect(account.memberships.map(\.organizationName) == ["Acme", "Globex"])
            #expect(!account.isServiceAccount)
            #expect(try await database.read { try store.account(email: "STRANGER@Witan.Test", on: $0) } == account)
            #expect(try await database.read { try store.account(email: "nobody@witan.test", on: $0) } == nil)
            #expect(try await database.read { try store.account(userID: .acme, on: $0) } == nil)
        }
    }

    @Test("a person without an organization is there, with none", arguments: Engine.available)
    func alone(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await database.addPeople()
            try await database.write { try $0.run("DELETE FROM members WHERE user_id = \(ObjectID.member)") }
            #expect(try await database.read { try store.account(userID: .member, on: $0) }?.memberships == [])
        }
    }

    @Test("names and addresses are unique, and a person is in an organization once", arguments: Engine.available)
    func uniqueness(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            #expect(try await database.read { try store.hasOrganizations(on: $0) } == false)
            try await database.addPeople()
            #expect(try await database.read { try store.hasOrganizations(on: $0) })
            #expect(try await database.read { try store.organizationID(named: "Acme", on: $0) } == .acme)
            #expect(try await database.read { try store.organizationID(named: "acme", on: $0) } == nil)
            let new = ObjectID(high: 9, low: 9)
            let inserts: [@Sendable (any SQLConnection) throws -> Void] = [
                { [store] connection in
                    let ids = ObjectIDGenerator(time: .system, random: .seeded(2))
                    try store.insertOrganization(new, name: "Acme", ids: ids, at: .start, on: connection)
                },
                { [store] connection in
                    let email = "OWNER@witan.test"
                    try store.insertUser(new, email: email, givenName: nil, familyName: nil, at: .start, on: connection)
                },
                { [store] connection in
                    try store.insertMember(
                        userID: .owner,
                        organizationID: .acme,
                        at: .start,
                        on: connection
                    )
                },
            ]
            for insert in inserts {
                let failure = await #expect(throws: Failure.self) { try await database.write(insert) }
                #expect(failure?.code == .conflict)
            }
        }
    }
}
