package import WitanCore

/// A person as the access rules see them.
package struct Account: Sendable, Hashable {
    /// A person's place in an organization.
    package struct Membership: Sendable, Hashable {
        /// The organization's id.
        package let organizationID: ObjectID

        /// The organization's name.
        package let organizationName: String

        /// Whether the person is one of its owners, not only a member.
        package let isOwner: Bool
    }

    /// The person's id.
    package let userID: ObjectID

    /// The e-mail address, in lower case.
    package let email: String

    /// The given name, if it is known.
    package let givenName: String?

    /// The family name, if it is known.
    package let familyName: String?

    /// The address of the person's picture, if there is one.
    package let avatarURL: String?

    /// When the person was added.
    package let created: Timestamp

    /// The organizations the person is in, by name.
    package let memberships: [Membership]
}

/// Reads and writes organizations, people and who is in what.
package struct AccountStore: Sendable {
    /// A store; it holds nothing.
    package init() {}

    /// The person with that id, with all their organizations.
    package func account(userID: ObjectID, on connection: any SQLConnection) throws(Failure) -> Account? {
        try account(where: "u.id = \(userID)", on: connection)
    }

    /// The person with that e-mail address, with all their organizations.
    package func account(email: String, on connection: any SQLConnection) throws(Failure) -> Account? {
        try account(where: "u.email = \(Self.normalized(email))", on: connection)
    }

    /// An e-mail address in the form in which it is stored and compared: in lower case.
    package static func normalized(_ email: String) -> String { email.lowercased() }

    /// The organization of that name: its id.
    package func organizationID(named name: String, on connection: any SQLConnection) throws(Failure) -> ObjectID? {
        try connection.row("SELECT id FROM organizations WHERE name = \(name)")
            .map { row throws(Failure) in try row.id(0) }
    }

    /// Whether there is any organization at all.
    package func hasOrganizations(on connection: any SQLConnection) throws(Failure) -> Bool {
        try connection.row("SELECT 1 FROM organizations LIMIT 1") != nil
    }

    /// Adds an organization.
    package func insertOrganization(
        _ id: ObjectID,
        name: String,
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run("INSERT INTO organizations (id, name, created) VALUES (\(id), \(name), \(now))")
    }

    /// Adds a person.
    package func insertUser(
        _ id: ObjectID,
        email: String,
        givenName: String?,
        familyName: String?,
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run(
            """
            INSERT INTO users (id, email, given_name, family_name, created)
            VALUES (\(id), \(Self.normalized(email)), \(givenName), \(familyName), \(now))
            """
        )
    }

    /// Puts a person into an organization.
    package func insertMember(
        userID: ObjectID,
        organizationID: ObjectID,
        isOwner: Bool,
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run(
            """
            INSERT INTO members (org_id, user_id, role, created)
            VALUES (\(organizationID), \(userID), \(isOwner ? "owner" : "member"), \(now))
            """
        )
    }

    /// Makes a member an owner.
    package func promoteMember(
        userID: ObjectID,
        organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run(
            "UPDATE members SET role = 'owner' WHERE user_id = \(userID) AND org_id = \(organizationID)"
        )
    }

    private func account(where condition: SQLQuery, on connection: any SQLConnection) throws(Failure) -> Account? {
        let rows = try connection.rows(
            """
            SELECT u.id, u.email, u.given_name, u.family_name, u.avatar_url, u.created, o.id, o.name, m.role
            FROM users AS u
            LEFT JOIN members AS m ON m.user_id = u.id
            LEFT JOIN organizations AS o ON o.id = m.org_id
            WHERE \(condition)
            ORDER BY o.name
            """
        )
        guard let first = rows.first else { return nil }
        var memberships: [Account.Membership] = []
        for row in rows where row[6] != .null {
            memberships.append(
                Account.Membership(
                    organizationID: try row.id(6),
                    organizationName: try row.text(7),
                    isOwner: try row.text(8) == "owner"
                )
            )
        }
        return Account(
            userID: try first.id(0),
            email: try first.text(1),
            givenName: try first.optionalText(2),
            familyName: try first.optionalText(3),
            avatarURL: try first.optionalText(4),
            created: try first.timestamp(5),
            memberships: memberships
        )
    }
}
