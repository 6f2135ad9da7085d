import WitanCore
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
            try accounts.insertOrganization(.acme, name: "Acme", at: .start, on: connection)
            try accounts.insertOrganization(.globex, name: "Globex", at: .start, on: connection)
            for (id, name, organization, isOwner) in [
                (ObjectID.owner, "owner", ObjectID.acme, true), (.member, "member", .acme, false),
                (.stranger, "stranger", .globex, true),
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
                    isOwner: isOwner,
                    at: .start,
                    on: connection
                )
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
    static let owner = Viewer(userID: .owner, organizations: [.acme], ownedOrganizations: [.acme])
    static let member = Viewer(userID: .member, organizations: [.acme], ownedOrganizations: [])
    static let stranger = Viewer(userID: .stranger, organizations: [.globex], ownedOrganizations: [.globex])
    static let nobody = Viewer(userID: .owner, organizations: [], ownedOrganizations: [])
}
