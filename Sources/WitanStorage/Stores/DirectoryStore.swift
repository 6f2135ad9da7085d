package import WitanCore

/// Reads who is in an organization and in its groups, for those who look after them.
///
/// Every read is bounded by its caller.
package struct DirectoryStore: Sendable {
    /// A group as it is named to people.
    package struct GroupName: Sendable, Hashable {
        /// The group's id.
        package let id: ObjectID

        /// What people call it.
        package let name: String
    }

    /// A member of an organization.
    package struct Member: Sendable, Hashable {
        /// When they came in.
        package let since: Timestamp

        /// Whether it is a service account.
        package let isServiceAccount: Bool

        /// The groups that they are in themselves, by name.
        package var groups: [GroupName]
    }

    /// A user as they are named to people.
    package struct UserName: Sendable, Hashable {
        /// The user's id.
        package let id: ObjectID

        /// Their e-mail address.
        package let email: String

        /// Their given name; of a service account its name.
        package let givenName: String?

        /// Their family name.
        package let familyName: String?

        /// Whether it is a service account.
        package let isServiceAccount: Bool
    }

    /// A group with what stands in lists of groups.
    package struct Group: Sendable, Hashable {
        /// The group's id.
        package let id: ObjectID

        /// What people call it.
        package let name: String

        /// What it is for.
        package let description: String?

        /// Whether each organization is born with it.
        package let isBuiltIn: Bool

        /// How many users are in it itself; `countLimit` for so many or more.
        package let users: Int

        /// How many groups are in it itself; `countLimit` for so many or more.
        package let groups: Int
    }

    /// How far members of a group are counted.
    package static let countLimit = 1_000

    /// A store; it holds nothing.
    package init() {}

    /// Those of some users who are in an organization, with at most `limit` of their groups.
    package func members(
        _ users: [ObjectID],
        of organizationID: ObjectID,
        groupLimit limit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> [ObjectID: Member] {
        guard !users.isEmpty else { return [:] }
        let list = users.map { SQLValue.text($0.description) }
        var members: [ObjectID: Member] = [:]
        for row in try connection.rows(
            """
            SELECT m.user_id, m.created, u.service_org_id FROM members AS m CROSS JOIN users AS u
            WHERE m.org_id = \(organizationID) AND m.user_id IN \(list: list) AND u.id = m.user_id
            """
        ) {
            members[try row.id(0)] = Member(
                since: try row.timestamp(1),
                isServiceAccount: try row.optionalID(2) != nil,
                groups: []
            )
        }
        for row in try connection.rows(
            """
            SELECT u.user_id, g.id, g.name FROM group_users AS u CROSS JOIN groups AS g
            WHERE u.user_id IN \(list: list) AND g.id = u.group_id AND g.org_id = \(organizationID)
                AND g.deleted_at IS NULL
            ORDER BY g.name LIMIT \(limit)
            """
        ) {
            members[try row.id(0)]?.groups.append(GroupName(id: try row.id(1), name: try row.text(2)))
        }
        return members
    }

    /// The first groups of an organization, by name.
    package func groups(
        of organizationID: ObjectID,
        limit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> [Group] {
        try connection.rows(
            """
            SELECT g.id, g.name, g.description, g.built_in,
                (
                    WITH counted AS (
                        SELECT u.user_id FROM group_users AS u WHERE u.group_id = g.id LIMIT \(Self.countLimit)
                    )
                    SELECT COUNT(*) FROM counted
                ),
                (
                    WITH counted AS (
                        SELECT m.member_group_id FROM group_groups AS m
                        WHERE m.group_id = g.id LIMIT \(Self.countLimit)
                    )
                    SELECT COUNT(*) FROM counted
                )
            FROM groups AS g WHERE g.org_id = \(organizationID) AND g.deleted_at IS NULL
            ORDER BY g.name LIMIT \(limit)
            """
        )
        .map { row throws(Failure) in
            Group(
                id: try row.id(0),
                name: try row.text(1),
                description: try row.optionalText(2),
                isBuiltIn: try row.optionalText(3) != nil,
                users: Int(try row.integer(4)),
                groups: Int(try row.integer(5))
            )
        }
    }

    /// Whether an organization has a group of that id.
    package func isGroup(
        _ id: ObjectID,
        of organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> Bool {
        try connection.row(
            "SELECT 1 FROM groups AS g WHERE g.id = \(id) AND g.org_id = \(organizationID) AND g.deleted_at IS NULL"
        ) != nil
    }

    /// The first service accounts of an organization, by name.
    package func serviceAccounts(
        of organizationID: ObjectID,
        limit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> [UserName] {
        try userNames(
            """
            SELECT u.id, u.email, u.given_name, u.family_name, u.service_org_id
            FROM users AS u CROSS JOIN members AS m
            WHERE u.service_org_id = \(organizationID) AND m.user_id = u.id AND m.org_id = \(organizationID)
            ORDER BY u.given_name LIMIT \(limit)
            """,
            on: connection
        )
    }

    /// The first users who are in a group itself.
    package func users(
        in group: ObjectID,
        limit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> [UserName] {
        try userNames(
            """
            SELECT u.id, u.email, u.given_name, u.family_name, u.service_org_id
            FROM group_users AS g CROSS JOIN users AS u WHERE g.group_id = \(group) AND u.id = g.user_id
            ORDER BY g.user_id LIMIT \(limit)
            """,
            on: connection
        )
    }

    /// The first groups that are in a group itself.
    package func groups(
        in group: ObjectID,
        limit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> [GroupName] {
        try connection.rows(
            """
            SELECT g.id, g.name FROM group_groups AS m CROSS JOIN groups AS g
            WHERE m.group_id = \(group) AND g.id = m.member_group_id ORDER BY m.member_group_id LIMIT \(limit)
            """
        )
        .map { row throws(Failure) in GroupName(id: try row.id(0), name: try row.text(1)) }
    }

    private func userNames(
        _ query: SQLQuery,
        on connection: any SQLConnection
    ) throws(Failure) -> [UserName] {
        try connection.rows(query)
            .map { row throws(Failure) in
                UserName(
                    id: try row.id(0),
                    email: try row.text(1),
                    givenName: try row.optionalText(2),
                    familyName: try row.optionalText(3),
                    isServiceAccount: try row.optionalID(4) != nil
                )
            }
    }
}
