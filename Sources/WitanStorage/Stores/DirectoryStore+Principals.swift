package import WitanCore
package import WitanResources

// Whoever was given something in an organization, for the table of its access.
extension DirectoryStore {
    /// A group or a user that was given something.
    package struct Principal: Sendable, Hashable {
        /// Their id.
        package let id: ObjectID

        /// What people call the group; nil for a user.
        package let groupName: String?

        /// The grants on the organization itself, on its members, its projects and its audit log, newest first.
        package var grants: [ObjectID] = []

        /// Whether they were given more than `grants` has.
        package var hasMoreGrants = false

        /// On how many single objects they were given something, as far as grants are counted.
        package var singleObjects = 0

        /// Whether there may be more of those, because `countLimit` grants were counted.
        package var mayHaveMoreObjects = false
    }

    /// Some of those who were given something, groups before users, each in the order of their ids.
    package struct PrincipalPage: Sendable, Hashable {
        /// They themselves.
        package let principals: [Principal]

        /// Whether some come before them.
        package let hasPrevious: Bool

        /// Whether some come after them.
        package let hasNext: Bool

        /// Puts a page together.
        package init(principals: [Principal], hasPrevious: Bool, hasNext: Bool) {
            self.principals = principals
            self.hasPrevious = hasPrevious
            self.hasNext = hasNext
        }
    }

    /// The page of a cursor, which is one of the principals; the first one when it is none.
    ///
    /// What it costs grows with the groups and the members of the organization, and not with its objects: of each
    /// principal's grants on single objects `countLimit` are looked at.
    package func principals(
        of organizationID: ObjectID,
        from cursor: ListRequest.Cursor?,
        limit: Int,
        grantLimit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> PrincipalPage {
        var start: (id: ObjectID, isGroup: Bool)?
        var isBackwards = false
        switch cursor {
        case nil:
            break
        case .after(let id):
            start = try kind(of: id, in: organizationID, on: connection).map { (id, $0) }
        case .before(let id):
            start = try kind(of: id, in: organizationID, on: connection).map { (id, $0) }
            isBackwards = start != nil
        }
        var principals: [Principal] = []
        for isGroup in isBackwards ? [false, true] : [true, false] {
            // Those of the kind that the cursor is past already.
            if let start, start.isGroup != isGroup, start.isGroup == isBackwards { continue }
            principals += try given(
                isGroup: isGroup,
                organizationID,
                beyond: start?.isGroup == isGroup ? start?.id : nil,
                isBackwards: isBackwards,
                limit: limit + 1 - principals.count,
                on: connection
            )
        }
        let hasMore = principals.count > limit
        if hasMore { principals.removeLast() }
        if isBackwards { principals.reverse() }
        return PrincipalPage(
            principals: try complete(principals, organizationID, grantLimit: grantLimit, on: connection),
            hasPrevious: isBackwards ? hasMore : start != nil,
            hasNext: isBackwards || hasMore
        )
    }

    /// One group or member of the organization, whether or not they were given something; nil for others.
    package func principal(
        _ id: ObjectID,
        of organizationID: ObjectID,
        grantLimit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> Principal? {
        guard let isGroup = try kind(of: id, in: organizationID, on: connection) else { return nil }
        let name =
            isGroup ? try connection.row("SELECT g.name FROM groups AS g WHERE g.id = \(id)")?.text(0) : nil
        return try complete(
            [Principal(id: id, groupName: name)],
            organizationID,
            grantLimit: grantLimit,
            on: connection
        )
        .first
    }

    /// Whether it is a group of the organization, or a member of it; nil when it is neither.
    private func kind(
        of id: ObjectID,
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> Bool? {
        if try isGroup(id, of: organizationID, on: connection) { return true }
        let member = try connection.row(
            "SELECT 1 FROM members AS m WHERE m.org_id = \(organizationID) AND m.user_id = \(id)"
        )
        return member == nil ? nil : false
    }

    /// Those of one kind who were given something, beyond one of them.
    private func given(
        isGroup: Bool,
        _ organizationID: ObjectID,
        beyond id: ObjectID?,
        isBackwards: Bool,
        limit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> [Principal] {
        guard limit > 0 else { return [] }
        let column: SQLQuery = isGroup ? "g.id" : "m.user_id"
        let beyond = id.map { " AND \(column) \(raw: isBackwards ? "<" : ">") \($0)" as SQLQuery } ?? ""
        let order: SQLQuery = "ORDER BY \(column)\(raw: isBackwards ? " DESC" : "") LIMIT \(limit)"
        guard isGroup else {
            return
                try connection.rows(
                    """
                    SELECT m.user_id FROM members AS m WHERE m.org_id = \(organizationID)\(beyond)
                    AND (
                        EXISTS (SELECT 1 FROM acls AS a WHERE a.object_id = \(organizationID) AND a.user_id = m.user_id)
                        OR EXISTS (
                            WITH counted AS (
                                SELECT a._object_org_id AS org_id FROM acls AS a
                                WHERE a.user_id = m.user_id AND a.object_type NOT IN \(list: Self.wholes)
                                LIMIT \(Self.countLimit)
                            )
                            SELECT 1 FROM counted WHERE counted.org_id = \(organizationID)
                        )
                    )
                    \(order)
                    """
                )
                .map { row throws(Failure) in Principal(id: try row.id(0), groupName: nil) }
        }
        return
            try connection.rows(
                """
                SELECT g.id, g.name FROM groups AS g
                WHERE g.org_id = \(organizationID) AND g.deleted_at IS NULL\(beyond)
                AND EXISTS (SELECT 1 FROM acls AS a WHERE a.group_id = g.id)
                \(order)
                """
            )
            .map { row throws(Failure) in Principal(id: try row.id(0), groupName: try row.text(1)) }
    }

    /// The principals with their grants.
    private func complete(
        _ principals: [Principal],
        _ organizationID: ObjectID,
        grantLimit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> [Principal] {
        var completed = Dictionary(uniqueKeysWithValues: principals.map { ($0.id, $0) })
        for (column, table, ids) in [
            ("group_id", "groups", principals.filter { $0.groupName != nil }),
            ("user_id", "users", principals.filter { $0.groupName == nil }),
        ] as [(SQLQuery, SQLQuery, [Principal])] where !ids.isEmpty {
            let list = ids.map { SQLValue.text($0.id.description) }
            for row in try connection.rows(
                """
                WITH ranked AS (
                    SELECT a.\(column) AS principal, a.id AS id, a.created AS created,
                        ROW_NUMBER() OVER (PARTITION BY a.\(column) ORDER BY a.created DESC, a.id DESC) AS place
                    FROM acls AS a WHERE a.object_id = \(organizationID) AND a.\(column) IN \(list: list)
                )
                SELECT ranked.principal, ranked.id FROM ranked
                WHERE ranked.place <= \(grantLimit + 1) ORDER BY ranked.created DESC, ranked.id DESC
                """
            ) {
                completed[try row.id(0)]?.add(try row.id(1), limit: grantLimit)
            }
            for row in try connection.rows(
                """
                SELECT p.id, (\(Self.singleObjects("DISTINCT counted.object_id", of: column, organizationID))),
                    (\(Self.singleObjects("*", of: column, nil)))
                FROM \(table) AS p WHERE p.id IN \(list: list)
                """
            ) {
                let id = try row.id(0)
                completed[id]?.singleObjects = Int(try row.integer(1))
                completed[id]?.mayHaveMoreObjects = try row.integer(2) == Self.countLimit
            }
        }
        return principals.compactMap { completed[$0.id] }
    }

    /// Counts something of the first grants on single objects of a principal `p`, in one organization or in all.
    private static func singleObjects(
        _ counted: String,
        of column: SQLQuery,
        _ organizationID: ObjectID?
    ) -> SQLQuery {
        let condition = organizationID.map { " WHERE counted.org_id = \($0)" as SQLQuery } ?? ""
        return """
            WITH counted AS (
                SELECT a.object_id AS object_id, a._object_org_id AS org_id FROM acls AS a
                WHERE a.\(column) = p.id AND a.object_type NOT IN \(list: wholes) LIMIT \(countLimit)
            )
            SELECT COUNT(\(raw: counted)) FROM counted\(condition)
            """
    }

    /// The objects that stand for an organization and for all of a kind in it.
    private static let wholes = [ObjectType.organization, .orgMember, .orgProject, .orgAuditLogs]
        .map { SQLValue.text($0.rawValue) }
}

extension DirectoryStore.Principal {
    fileprivate mutating func add(_ grant: ObjectID, limit: Int) {
        guard grants.count < limit else {
            hasMoreGrants = true
            return
        }
        grants.append(grant)
    }
}
