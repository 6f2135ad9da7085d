package import WitanCore

/// A step on the way from a user up to the groups that hold them.
package struct GroupStep: Sendable, Hashable {
    /// The group.
    package let groupID: ObjectID

    /// Its name.
    package let name: String

    /// The member group that it takes the user from; nil when the user is in it directly.
    package let memberGroupID: ObjectID?
}

/// A step on the way from a role down to those that it takes permissions from.
package struct RoleStep: Sendable, Hashable {
    /// The role.
    package let roleID: ObjectID

    /// Its name.
    package let name: String

    /// A role that it takes permissions from; nil when there is none.
    package let memberRoleID: ObjectID?
}

// What an answer does not need and its explanation does: names, and by which groups and roles it comes.
extension AccessStore {
    /// Every step from a user up to the groups of an organization that hold them.
    package func groupSteps(
        of userID: ObjectID,
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> [GroupStep] {
        let rows = try connection.rows(
            """
            WITH RECURSIVE steps (id, member_id) AS (
                SELECT u.group_id, NULLIF(u.group_id, u.group_id) FROM group_users AS u JOIN groups AS g ON g.id = u.group_id
                WHERE u.user_id = \(userID) AND g.org_id = \(organizationID)
                UNION
                SELECT m.group_id, m.member_group_id FROM group_groups AS m JOIN steps AS s ON m.member_group_id = s.id
            )
            SELECT s.id, g.name, s.member_id FROM steps AS s JOIN groups AS g ON g.id = s.id
            ORDER BY g.name, s.id, s.member_id
            """
        )
        var steps: [GroupStep] = []
        for row in rows {
            steps.append(
                GroupStep(groupID: try row.id(0), name: try row.text(1), memberGroupID: try row.optionalID(2))
            )
        }
        return steps
    }

    /// Every step from a role down to those that it takes permissions from, at any depth.
    package func roleSteps(of roleID: ObjectID, on connection: any SQLConnection) throws(Failure) -> [RoleStep] {
        let rows = try connection.rows(
            """
            WITH RECURSIVE reached (id) AS (
                SELECT id FROM roles WHERE id = \(roleID)
                UNION
                SELECT m.member_role_id FROM role_roles AS m JOIN reached AS r ON m.role_id = r.id
            )
            SELECT r.id, o.name, m.member_role_id FROM reached AS r
            JOIN roles AS o ON o.id = r.id
            LEFT JOIN role_roles AS m ON m.role_id = r.id
            ORDER BY o.name, r.id, m.member_role_id
            """
        )
        var steps: [RoleStep] = []
        for row in rows {
            steps.append(RoleStep(roleID: try row.id(0), name: try row.text(1), memberRoleID: try row.optionalID(2)))
        }
        return steps
    }

    /// The objects of a kind and a name, at most one in each organization; what is organization-wide has its
    /// organization's name.
    package func objects(
        _ type: ObjectType,
        named name: String,
        on connection: any SQLConnection
    ) throws(Failure) -> [AccessObject] {
        guard let table = Self.table(of: type) else { return [] }
        let rows =
            if table == Self.organizations {
                try connection.rows("SELECT id, id FROM organizations WHERE name = \(name)")
            } else {
                // A name is found within an organization. CROSS JOIN keeps SQLite from walking the objects instead.
                try connection.rows(
                    """
                    SELECT t.id, t.org_id FROM organizations AS o CROSS JOIN \(identifier: table) AS t
                    WHERE t.org_id = o.id AND t.name = \(name) AND t.deleted_at IS NULL ORDER BY t.org_id
                    """
                )
            }
        var objects: [AccessObject] = []
        for row in rows { objects.append(AccessObject(type, try row.id(0), in: try row.id(1))) }
        return objects
    }

    /// The name of an object, or of the organization of what is organization-wide; nil when it is not there.
    package func name(of object: AccessObject, on connection: any SQLConnection) throws(Failure) -> String? {
        guard let table = Self.table(of: object.type) else { return nil }
        return try connection.row("SELECT name FROM \(identifier: table) WHERE id = \(object.id)")
            .map { row throws(Failure) in try row.text(0) }
    }

    private static let organizations = "organizations"

    /// Where the objects of a kind have their names; nil for a kind that this version does not keep.
    private static func table(of type: ObjectType) -> String? {
        switch type {
        case .organization, .orgMember, .orgProject, .orgAuditLogs: organizations
        case .project: "projects"
        case .group: "groups"
        case .role: "roles"
        case .experiment, .dataset, .prompt, .promptSession, .projectLog, .projectGroup: nil
        }
    }
}
