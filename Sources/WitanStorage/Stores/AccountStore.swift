package import WitanCore
import WitanResources

/// A person or a service account as the access rules see them.
package struct Account: Sendable, Hashable {
    /// A place in an organization.
    package struct Membership: Sendable, Hashable {
        /// The organization's id.
        package let organizationID: ObjectID

        /// The organization's name.
        package let organizationName: String

        /// When the user came into the organization, for the last time if they had left it.
        package let since: Timestamp
    }

    /// The user's id.
    package let userID: ObjectID

    /// The e-mail address, in lower case.
    package let email: String

    /// The given name, if it is known; of a service account its name.
    package let givenName: String?

    /// The family name, if it is known.
    package let familyName: String?

    /// The address of the person's picture, if there is one.
    package let avatarURL: String?

    /// When the user was added.
    package let created: Timestamp

    /// The organization of a service account, which it never leaves for another; nil for a person.
    package let serviceOrganizationID: ObjectID?

    /// The organizations the user is in, by name.
    package let memberships: [Membership]

    /// Whether nobody stands behind it who could sign in.
    package var isServiceAccount: Bool { serviceOrganizationID != nil }
}

/// Reads and writes organizations, users and who is in what.
package struct AccountStore: Sendable {
    /// A store; it holds nothing.
    package init() {}

    /// The user with that id, with all their organizations.
    package func account(userID: ObjectID, on connection: any SQLConnection) throws(Failure) -> Account? {
        try account(where: "u.id = \(userID)", on: connection)
    }

    /// The user with that e-mail address, with all their organizations.
    package func account(email: String, on connection: any SQLConnection) throws(Failure) -> Account? {
        try account(where: "u.email = \(Self.normalized(email))", on: connection)
    }

    /// An e-mail address in the form in which it is stored and compared: in lower case.
    ///
    /// Only the letters of ASCII have another case here: Unicode's rules make one letter of several, and one person's
    /// address must not become another's.
    package static func normalized(_ email: String) -> String {
        String(
            decoding: email.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 },
            as: UTF8.self
        )
    }

    /// Adds a user; a service account belongs to the organization that it is made in.
    package func insertUser(
        _ id: ObjectID,
        email: String,
        givenName: String?,
        familyName: String?,
        serviceOrganizationID: ObjectID? = nil,
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run(
            """
            INSERT INTO users (id, email, given_name, family_name, created, service_org_id)
            VALUES (
                \(id), \(Self.normalized(email)), \(givenName), \(familyName), \(now), \(serviceOrganizationID)
            )
            """
        )
    }

    /// The service account of that name, if it is still in its organization.
    package func serviceAccount(
        named name: String,
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> Account? {
        try account(
            where: "u.service_org_id = \(organizationID) AND u.given_name = \(name) AND m.org_id IS NOT NULL",
            on: connection
        )
    }

    // MARK: Organizations

    /// The organization of that name: its id.
    package func organizationID(named name: String, on connection: any SQLConnection) throws(Failure) -> ObjectID? {
        try connection.row("SELECT id FROM organizations WHERE name = \(name)")
            .map { row throws(Failure) in try row.id(0) }
    }

    /// The ids of the first organizations, by name.
    package func organizationIDs(limit: Int, on connection: any SQLConnection) throws(Failure) -> [ObjectID] {
        try connection.rows("SELECT id FROM organizations ORDER BY name LIMIT \(limit)")
            .map { row throws(Failure) in try row.id(0) }
    }

    /// Whether there is any organization at all.
    package func hasOrganizations(on connection: any SQLConnection) throws(Failure) -> Bool {
        try !organizationIDs(limit: 1, on: connection).isEmpty
    }

    /// Adds an organization with its built-in groups and their grants.
    package func insertOrganization(
        _ id: ObjectID,
        name: String,
        ids: ObjectIDGenerator,
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run("INSERT INTO organizations (id, name, created) VALUES (\(id), \(name), \(now))")
        for group in BuiltInGroup.allCases {
            let groupID = ids.next()
            try connection.run(
                """
                INSERT INTO groups (id, org_id, created, name, description, built_in)
                VALUES (\(groupID), \(id), \(now), \(group.name), \(group.description), \(group.rawValue))
                """
            )
            try connection.run(
                """
                INSERT INTO acls (id, object_type, object_id, group_id, role_id, _object_org_id, created)
                VALUES (\(ids.next()), 'organization', \(id), \(groupID), \(group.role.id), \(id), \(now))
                """
            )
        }
    }

    /// Whether whoever makes an object of the organization's gets the Owner role on it.
    package func grantsOwnership(_ organizationID: ObjectID, on connection: any SQLConnection) throws(Failure) -> Bool {
        let row = try connection.row("SELECT grants_ownership FROM organizations WHERE id = \(organizationID)")
        return try row.map { row throws(Failure) in try row.integer(0) == 1 } ?? false
    }

    /// Sets whether whoever makes an object of the organization's gets the Owner role on it.
    package func setGrantsOwnership(
        _ grants: Bool,
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run("UPDATE organizations SET grants_ownership = \(grants ? 1 : 0) WHERE id = \(organizationID)")
    }

    // MARK: Members

    /// Puts a user into an organization.
    package func insertMember(
        userID: ObjectID,
        organizationID: ObjectID,
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run(
            "INSERT INTO members (org_id, user_id, created) VALUES (\(organizationID), \(userID), \(now))"
        )
    }

    /// Takes a user out of an organization, with everything they were given in it; whether they were in it.
    ///
    /// Their keys and tokens are not touched: whoever deletes them tells the caches.
    package func removeMember(
        userID: ObjectID,
        organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> Bool {
        let isMember =
            try connection.run("DELETE FROM members WHERE org_id = \(organizationID) AND user_id = \(userID)") == 1
        guard isMember else { return false }
        try connection.run(
            """
            DELETE FROM group_users
            WHERE user_id = \(userID) AND EXISTS (
                SELECT 1 FROM groups AS g WHERE g.id = group_users.group_id AND g.org_id = \(organizationID)
            )
            """
        )
        try connection.run("DELETE FROM acls WHERE user_id = \(userID) AND _object_org_id = \(organizationID)")
        return true
    }

    /// Whether a user is in an organization.
    package func isMember(
        userID: ObjectID,
        organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> Bool {
        try connection.row("SELECT 1 FROM members WHERE user_id = \(userID) AND org_id = \(organizationID)") != nil
    }

    /// Whether a user is in an organization, where they then stay until the end of the transaction.
    package func keepMember(
        userID: ObjectID,
        organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> Bool {
        try connection.row(
            """
            SELECT 1 FROM members AS m WHERE m.user_id = \(userID) AND m.org_id = \(organizationID)\
            \(raw: connection.dialect.keepingRows("m"))
            """
        ) != nil
    }

    /// A group's id by its name; nil when the organization has none of that name.
    package func groupID(
        named name: String,
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> ObjectID? {
        try connection
            .row("SELECT id FROM groups WHERE org_id = \(organizationID) AND name = \(name) AND deleted_at IS NULL")
            .map { row throws(Failure) in try row.id(0) }
    }

    /// Puts a user into a group; whether they were not in it before.
    package func insertGroupUser(
        _ userID: ObjectID,
        into groupID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> Bool {
        try connection.run(
            "INSERT INTO group_users (group_id, user_id) VALUES (\(groupID), \(userID)) ON CONFLICT DO NOTHING"
        ) == 1
    }

    private func account(where condition: SQLQuery, on connection: any SQLConnection) throws(Failure) -> Account? {
        let rows = try connection.rows(
            """
            SELECT u.id, u.email, u.given_name, u.family_name, u.avatar_url, u.created, u.service_org_id, o.id, o.name,
                m.created
            FROM users AS u
            LEFT JOIN members AS m ON m.user_id = u.id
            LEFT JOIN organizations AS o ON o.id = m.org_id
            WHERE \(condition)
            ORDER BY o.name
            """
        )
        guard let first = rows.first else { return nil }
        var memberships: [Account.Membership] = []
        for row in rows where row[7] != .null {
            memberships.append(
                Account.Membership(
                    organizationID: try row.id(7),
                    organizationName: try row.text(8),
                    since: try row.timestamp(9)
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
            serviceOrganizationID: try first.optionalID(6),
            memberships: memberships
        )
    }
}
