package import WitanCore
package import WitanStorage

/// Finds out why somebody may do something, from the database alone: what the command `witan explain` prints.
///
/// It walks what the evaluator compiles, so that the two check each other.
package struct AccessExplainer: Sendable {
    private let database: any SQLDatabase
    private let accounts = AccountStore()
    private let store = AccessStore()

    /// Takes where people, grants, groups and roles are.
    package init(database: any SQLDatabase) {
        self.database = database
    }

    /// Why a user, named by id or address, holds a permission on an object, or why not.
    ///
    /// With `type`, it is about objects of that kind in it, such as the projects that could be made in an `org_project`.
    ///
    /// - Throws: `.invalidRequest` when there is no such user or object, or when several organizations have one of that
    ///   name.
    package func explain(
        user: String,
        permission: Permission,
        on object: ObjectReference,
        for type: ObjectType? = nil
    ) async throws -> Explanation {
        try await database.read { connection in
            let account = try account(user, on: connection)
            let object = try resolve(object, on: connection)
            return try explain(account, permission, object, for: type ?? object.type, on: connection)
        }
    }

    private func explain(
        _ account: Account,
        _ permission: Permission,
        _ object: AccessObject,
        for type: ObjectType,
        on connection: any SQLConnection
    ) throws(Failure) -> Explanation {
        let organization = AccessObject.organizationWide(.organization, object.organizationID)
        let isMember = account.memberships.contains { $0.organizationID == object.organizationID }
        let groups = NamedPaths(
            isMember ? try store.groupSteps(of: account.userID, in: object.organizationID, on: connection) : []
        )
        let places = object.places
        var names: [String] = []
        for place in places { names.append("\(place.type.rawValue):\(try name(of: place, on: connection))") }
        var ways: [Explanation.Way] = []
        var nearMisses: [Explanation.Way] = []
        if isMember {
            let grants = try store.grants(
                on: Array(Set(places.map(\.id))),
                to: account.userID,
                groups.all.map(\.id),
                on: connection
            )
            for (place, name) in zip(places, names) {
                for grant in grants.filter({ $0.object == place }).sorted(by: { $0.id < $1.id }) {
                    let found = try self.ways(of: grant, name, groups, permission, on: connection)
                    if let way = found.first(where: { $0.types.isEmpty || $0.types.contains(type) }) {
                        ways.append(way)
                    } else {
                        nearMisses += found
                    }
                }
            }
        }
        return Explanation(
            user: account,
            permission: permission,
            object: object,
            type: type,
            organization: try name(of: organization, on: connection),
            isMember: isMember,
            groups: groups.all,
            places: names,
            ways: ways,
            nearMisses: nearMisses
        )
    }

    // MARK: One grant

    /// How a permission comes from a grant, whatever kind of objects it is for: the shortest way first.
    private func ways(
        of grant: StoredGrant,
        _ object: String,
        _ groups: NamedPaths,
        _ permission: Permission,
        on connection: any SQLConnection
    ) throws(Failure) -> [Explanation.Way] {
        func way(_ roles: [Explanation.Named], _ restrictions: [ObjectType?]) -> Explanation.Way {
            Explanation.Way(
                grant: grant,
                object: object,
                groups: grant.isToGroup ? groups.path(to: grant.principal) : [],
                roles: roles,
                types: restrictions.contains(nil)
                    ? [] : restrictions.compactMap(\.self).sorted { $0.rawValue < $1.rawValue }
            )
        }
        guard let roleID = grant.roleID else {
            return grant.permission == permission ? [way([], [grant.restriction])] : []
        }
        let roles = NamedPaths(from: roleID, try store.roleSteps(of: roleID, on: connection))
        let permissions = try store.permissions(of: [roleID], on: connection).filter { $0.permission == permission }
        return Dictionary(grouping: permissions, by: \.sourceID)
            .sorted { $0.key < $1.key }
            .map { source, permissions in way(roles.path(to: source), permissions.map(\.restriction)) }
            .sorted { $0.roles.count < $1.roles.count }
    }

    // MARK: Names

    private func account(_ user: String, on connection: any SQLConnection) throws(Failure) -> Account {
        if let id = ObjectID(user), let account = try accounts.account(userID: id, on: connection) { return account }
        if let account = try accounts.account(email: user, on: connection) { return account }
        throw Failure(
            .invalidRequest,
            "There is nobody with that id or address; `witan users list` shows those that are there."
        )
    }

    private func resolve(
        _ reference: ObjectReference,
        on connection: any SQLConnection
    ) throws(Failure) -> AccessObject {
        var found: [AccessObject] = []
        if let id = ObjectID(reference.name), let object = try store.object(reference.type, id, on: connection) {
            found = [object]
        } else {
            found = try store.objects(reference.type, named: reference.name, on: connection)
        }
        if let name = reference.organization {
            let organizationID = try accounts.organizationID(named: name, on: connection)
            found = found.filter { $0.organizationID == organizationID }
        }
        guard let object = found.first else {
            throw Failure(
                .invalidRequest,
                "There is no \(reference.type.rawValue) of that name or id; name one that is there, or its organization."
            )
        }
        guard found.count == 1 else {
            throw Failure(
                .invalidRequest,
                "\(found.count) organizations have a \(reference.type.rawValue) of that name; name the organization too."
            )
        }
        return object
    }

    private func name(of object: AccessObject, on connection: any SQLConnection) throws(Failure) -> String {
        guard let name = try store.name(of: object, on: connection) else {
            throw .bug("An object that was just found has no name")
        }
        return name
    }
}

/// The ways through groups or roles, with their names.
private struct NamedPaths {
    /// All that the ways lead to, by name.
    let all: [Explanation.Named]

    private let names: [ObjectID: String]
    private let paths: ShortestPaths<ObjectID>

    /// From the groups that a user is in up to those that hold these.
    init(_ steps: [GroupStep]) {
        self.init(
            names: steps.map { ($0.groupID, $0.name) },
            from: steps.filter { $0.memberGroupID == nil }.map(\.groupID),
            edges: steps.compactMap { step in step.memberGroupID.map { ($0, step.groupID) } }
        )
    }

    /// From a role down to those that it takes permissions from.
    init(from role: ObjectID, _ steps: [RoleStep]) {
        self.init(
            names: steps.map { ($0.roleID, $0.name) },
            from: [role],
            edges: steps.compactMap { step in step.memberRoleID.map { (step.roleID, $0) } }
        )
    }

    private init(names: [(ObjectID, String)], from start: [ObjectID], edges: [(ObjectID, ObjectID)]) {
        self.names = Dictionary(names, uniquingKeysWith: { first, _ in first })
        paths = ShortestPaths(from: start, through: Dictionary(grouping: edges, by: \.0).mapValues { $0.map(\.1) })
        all = self.names.map { Explanation.Named(id: $0.key, name: $0.value) }
            .sorted { ($0.name, $0.id) < ($1.name, $1.id) }
    }

    /// What lies on the way, both ends included; empty when there is none.
    func path(to id: ObjectID) -> [Explanation.Named] {
        (paths.path(to: id) ?? []).compactMap { id in names[id].map { Explanation.Named(id: id, name: $0) } }
    }
}

extension AccessObject {
    /// Where a grant counts for the object: itself and what it is in (design: access control, section 2, 2).
    fileprivate var places: [AccessObject] {
        let organization = AccessObject.organizationWide(.organization, organizationID)
        switch type {
        case .organization: return [self]
        case .orgMember, .orgProject, .orgAuditLogs, .group, .role: return [self, organization]
        case .project, .experiment, .dataset, .prompt, .promptSession, .projectLog, .projectGroup:
            return [self, .organizationWide(.orgProject, organizationID), organization]
        }
    }
}
