package import WitanCore
package import WitanResources

/// Reads what decides who may do what: groups, roles and grants.
///
/// Closures over groups and roles are walked by the database, so that only what concerns the question is read.
package struct AccessStore: Sendable {
    /// A store; it holds nothing.
    package init() {}

    // MARK: Groups

    /// The groups of an organization that hold a user, directly or through other groups.
    package func groups(
        of userID: ObjectID,
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> [ObjectID] {
        // CROSS JOIN keeps SQLite from walking all groups, or all members, of an organization.
        try ids(
            """
            WITH RECURSIVE holding (id) AS (
                SELECT u.group_id FROM group_users AS u CROSS JOIN groups AS g
                WHERE u.user_id = \(userID) AND g.id = u.group_id AND g.org_id = \(organizationID)
                UNION
                SELECT m.group_id FROM group_groups AS m JOIN holding AS h ON m.member_group_id = h.id
            )
            SELECT id FROM holding
            """,
            on: connection
        )
    }

    /// The groups whose users come to be in `groups` too: each of them, and those that hold it at any depth.
    package func groupsHolding(
        _ groups: [ObjectID],
        on connection: any SQLConnection
    ) throws(Failure) -> [ObjectID] {
        try closure(of: groups, from: "member_group_id", to: "group_id", in: "group_groups", on: connection)
    }

    /// A person, not only a service account, among an organization's owners; nil when there is none.
    package func owner(of organizationID: ObjectID, on connection: any SQLConnection) throws(Failure) -> ObjectID? {
        try connection.row(
            """
            WITH RECURSIVE held (id) AS (
                SELECT id FROM groups WHERE org_id = \(organizationID) AND built_in = 'owners'
                UNION
                SELECT m.member_group_id FROM group_groups AS m JOIN held AS h ON m.group_id = h.id
            )
            SELECT u.id FROM held AS h CROSS JOIN group_users AS g CROSS JOIN members AS m CROSS JOIN users AS u
            WHERE g.group_id = h.id AND m.user_id = g.user_id AND m.org_id = \(organizationID)
                AND u.id = m.user_id AND u.service_org_id IS NULL
            LIMIT 1
            """
        )
        .map { row throws(Failure) in try row.id(0) }
    }

    /// Which of the built-in groups a group is; nil for one that people made.
    package func builtIn(_ groupID: ObjectID, on connection: any SQLConnection) throws(Failure) -> BuiltInGroup? {
        try connection.row("SELECT built_in FROM groups WHERE id = \(groupID)")
            .flatMap { row throws(Failure) in try row.optionalText(0) }
            .flatMap(BuiltInGroup.init)
    }

    /// Takes a group, a role or a project out of everything that mentions it, when it is deleted.
    package func removeMentions(of id: ObjectID, on connection: any SQLConnection) throws(Failure) {
        for statement: SQLQuery in [
            "DELETE FROM group_users WHERE group_id = \(id)",
            "DELETE FROM group_groups WHERE group_id = \(id)",
            "DELETE FROM group_groups WHERE member_group_id = \(id)",
            "DELETE FROM role_permissions WHERE role_id = \(id)",
            "DELETE FROM role_roles WHERE role_id = \(id)",
            "DELETE FROM role_roles WHERE member_role_id = \(id)",
            "DELETE FROM acls WHERE group_id = \(id)",
            "DELETE FROM acls WHERE role_id = \(id)",
            "DELETE FROM acls WHERE object_id = \(id)",
        ] {
            try connection.run(statement)
        }
    }

    // MARK: Roles

    /// The permissions of roles, with those of their member roles at any depth.
    package func permissions(
        of roles: [ObjectID],
        on connection: any SQLConnection
    ) throws(Failure) -> [RolePermission] {
        var permissions: [RolePermission] = []
        for part in roles.chunks(of: Self.idsPerQuery) {
            let rows = try connection.rows(
                """
                WITH RECURSIVE reached (root, id) AS (
                    SELECT id, id FROM roles WHERE id IN \(list: part.map { SQLValue.text($0.description) })
                    UNION
                    SELECT r.root, m.member_role_id FROM role_roles AS m JOIN reached AS r ON m.role_id = r.id
                )
                SELECT r.root, r.id, p.permission, p.restrict_object_type FROM reached AS r
                LEFT JOIN role_permissions AS p ON p.role_id = r.id
                """
            )
            for row in rows {
                permissions.append(
                    RolePermission(
                        roleID: try row.id(0),
                        sourceID: try row.id(1),
                        permission: try row.permission(2),
                        restriction: try row.objectType(3)
                    )
                )
            }
        }
        return permissions
    }

    /// The roles that come to have a role's permissions: the role itself, and those that take them at any depth.
    package func rolesHaving(_ role: ObjectID, on connection: any SQLConnection) throws(Failure) -> [ObjectID] {
        try closure(of: [role], from: "member_role_id", to: "role_id", in: "role_roles", on: connection)
    }

    // MARK: Grants

    /// The grants on any of the objects to any of the principals.
    package func grants(
        on objects: [ObjectID],
        to userID: ObjectID,
        _ groups: [ObjectID],
        on connection: any SQLConnection
    ) throws(Failure) -> [StoredGrant] {
        let objects = objects.map { SQLValue.text($0.description) }
        var grants = try self.grants(
            where: "object_id IN \(list: objects) AND user_id = \(userID)",
            on: connection
        )
        for part in groups.chunks(of: Self.idsPerQuery) {
            let groups = part.map { SQLValue.text($0.description) }
            grants += try self.grants(
                where: "object_id IN \(list: objects) AND group_id IN \(list: groups)",
                on: connection
            )
        }
        return grants
    }

    /// Every grant to any of the groups.
    package func grants(to groups: [ObjectID], on connection: any SQLConnection) throws(Failure) -> [StoredGrant] {
        var grants: [StoredGrant] = []
        for part in groups.chunks(of: Self.idsPerQuery) {
            grants += try self.grants(
                where: "group_id IN \(list: part.map { SQLValue.text($0.description) })",
                on: connection
            )
        }
        return grants
    }

    /// Every grant of any of the roles in an organization.
    package func grants(
        of roles: [ObjectID],
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> [StoredGrant] {
        var grants: [StoredGrant] = []
        for part in roles.chunks(of: Self.idsPerQuery) {
            grants += try self.grants(
                where: """
                    role_id IN \(list: part.map { SQLValue.text($0.description) }) AND _object_org_id = \(organizationID)
                    """,
                on: connection
            )
        }
        return grants
    }

    private func grants(where condition: SQLQuery, on connection: any SQLConnection) throws(Failure) -> [StoredGrant] {
        let rows = try connection.rows(
            """
            SELECT id, user_id, group_id, object_type, object_id, _object_org_id, permission, restrict_object_type,
                role_id
            FROM acls WHERE \(condition)
            """
        )
        var grants: [StoredGrant] = []
        grants.reserveCapacity(rows.count)
        for row in rows {
            let group = try row.optionalID(2)
            guard let principal = try row.optionalID(1) ?? group, let type = try row.objectType(3) else {
                throw .bug("A grant is given to nobody; was the database changed by hand?")
            }
            grants.append(
                StoredGrant(
                    id: try row.id(0),
                    principal: principal,
                    isToGroup: group != nil,
                    object: AccessObject(type, try row.id(4), in: try row.id(5)),
                    permission: try row.permission(6),
                    restriction: try row.objectType(7),
                    roleID: try row.optionalID(8)
                )
            )
        }
        return grants
    }

    // MARK: Objects

    /// The object of that kind and id; nil when it is not there.
    ///
    /// What is organization-wide is there with its organization. Kinds whose objects this version does not keep are
    /// never there.
    package func object(
        _ type: ObjectType,
        _ id: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> AccessObject? {
        let query: SQLQuery
        switch type {
        case .organization, .orgMember, .orgProject, .orgAuditLogs:
            query = "SELECT id FROM organizations WHERE id = \(id)"
        case .project:
            query = "SELECT org_id FROM projects WHERE id = \(id) AND deleted_at IS NULL"
        case .group:
            query = "SELECT org_id FROM groups WHERE id = \(id) AND deleted_at IS NULL"
        case .role:
            query = "SELECT org_id FROM roles WHERE id = \(id) AND deleted_at IS NULL AND org_id IS NOT NULL"
        case .experiment, .dataset, .prompt, .promptSession, .projectLog, .projectGroup:
            return nil
        }
        return try connection.row(query)
            .map { row throws(Failure) in AccessObject(type, id, in: try row.id(0)) }
    }

    /// Whether an organization has the user, group or role, so that its own objects may refer to it; a user then stays in
    /// it until the end of the transaction.
    package func isThere(
        _ resource: String,
        _ id: ObjectID,
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> Bool {
        let query: SQLQuery
        switch resource {
        case UserResource.resource.name:
            query = """
                SELECT 1 FROM members AS m WHERE m.user_id = \(id) AND m.org_id = \(organizationID)\
                \(raw: connection.dialect.keepingRows("m"))
                """
        case GroupResource.resource.name:
            query = "SELECT 1 FROM groups WHERE id = \(id) AND org_id = \(organizationID) AND deleted_at IS NULL"
        case RoleResource.resource.name:
            query = """
                SELECT 1 FROM roles
                WHERE id = \(id) AND (org_id = \(organizationID) OR org_id IS NULL) AND deleted_at IS NULL
                """
        default:
            throw .bug("A body may refer to a \(resource), but nothing says how one is found")
        }
        return try connection.row(query) != nil
    }

    // MARK: Queries

    /// How many ids one statement names at the most.
    private static let idsPerQuery = 5_000

    private func closure(
        of start: [ObjectID],
        from source: String,
        to target: String,
        in table: String,
        on connection: any SQLConnection
    ) throws(Failure) -> [ObjectID] {
        var reached: [ObjectID] = start
        for id in start {
            reached += try ids(
                """
                WITH RECURSIVE reached (id) AS (
                    SELECT \(identifier: target) FROM \(identifier: table) WHERE \(identifier: source) = \(id)
                    UNION
                    SELECT m.\(identifier: target) FROM \(identifier: table) AS m
                    JOIN reached AS r ON m.\(identifier: source) = r.id
                )
                SELECT id FROM reached
                """,
                on: connection
            )
        }
        return Array(Set(reached))
    }

    private func ids(_ query: SQLQuery, on connection: any SQLConnection) throws(Failure) -> [ObjectID] {
        var ids: [ObjectID] = []
        for row in try connection.rows(query) { ids.append(try row.id(0)) }
        return ids
    }
}

extension SQLRow {
    fileprivate func permission(_ column: Int) throws(Failure) -> Permission? {
        try word(column, Permission.init)
    }

    fileprivate func objectType(_ column: Int) throws(Failure) -> ObjectType? {
        try word(column, ObjectType.init)
    }

    private func word<Word>(_ column: Int, _ read: (String) -> Word?) throws(Failure) -> Word? {
        guard let text = try optionalText(column) else { return nil }
        guard let word = read(text) else {
            throw .bug("A grant or role holds a word that is none of the API's; was the database changed by hand?")
        }
        return word
    }
}

extension Array {
    /// The elements in their order, so many at a time.
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
