import WitanCore
import WitanResources
import WitanStorage
import WitanTesting

extension Engine {
    /// Makes a database of the present schema while `body` uses it.
    func withSchema(_ body: (any SQLDatabase) async throws -> Void) async throws {
        try await withDatabase { database in
            try await Migrator().migrate(database, at: .start)
            try await body(database)
        }
    }
}

extension SQLDatabase {
    /// Adds an organization with an owner and a member, and a pepper for their keys.
    func addPeople() async throws {
        try await write { connection in
            let accounts = AccountStore()
            let ids = ObjectIDGenerator(time: .system, random: .seeded(1))
            try accounts.insertOrganization(.acme, name: "Acme", ids: ids, at: .start, on: connection)
            try accounts.insertOrganization(.globex, name: "Globex", ids: ids, at: .start, on: connection)
            for (id, name, organization, group) in [
                (ObjectID.owner, "owner", ObjectID.acme, BuiltInGroup.owners), (.member, "member", .acme, .engineers),
                (.stranger, "stranger", .globex, .owners),
            ] {
                try accounts.insertUser(
                    id,
                    email: "\(name.uppercased())@witan.test",
                    givenName: name,
                    familyName: nil,
                    at: .start,
                    on: connection
                )
                try accounts.insertMember(
                    userID: id,
                    organizationID: organization,
                    at: .start,
                    on: connection
                )
                let groupID = try accounts.groupID(named: group.name, in: organization, on: connection)
                if let groupID { _ = try accounts.insertGroupUser(id, into: groupID, on: connection) }
            }
            try CredentialStore().insertPepperCheck(version: 1, check: [1], at: .start, on: connection)
        }
    }
}

extension ObjectID {
    static let acme = ObjectID(high: 1, low: 1)
    static let globex = ObjectID(high: 1, low: 2)
    static let owner = ObjectID(high: 2, low: 1)
    static let member = ObjectID(high: 2, low: 2)
    static let stranger = ObjectID(high: 2, low: 3)
}

extension Timestamp {
    static let start = Timestamp(seconds: 1_769_860_800)
}

extension Viewer {
    static let owner = Viewer(userID: .owner, organizations: [.acme], seesOwn: true)
    static let member = Viewer(userID: .member, organizations: [.acme], seesOwn: true)
    static let stranger = Viewer(userID: .stranger, organizations: [.globex], seesOwn: true)
    static let nobody = Viewer(userID: .owner, organizations: [], seesOwn: true)
}
