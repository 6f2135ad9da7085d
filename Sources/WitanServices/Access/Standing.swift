package import WitanAccess
package import WitanCore
package import WitanStorage

/// What a user holds over everything in an organization: the compiled part of its grants that nearly all checks need.
///
/// Made of rows and asked without I/O; what was granted on single objects is an `ObjectStanding`.
package struct Standing: Sendable, DependentValue {
    /// The organization.
    package let organizationID: ObjectID

    /// The groups of the organization that hold the user, at any depth.
    package let groups: [ObjectID]

    /// What may change it: the user, their groups, the roles that they were given and the grants on the organization.
    package let dependencies: [AccessSubject]

    private var organization = PermissionMatrix()
    private var members = PermissionMatrix()
    private var projects = PermissionMatrix()
    private var auditLogs = PermissionMatrix()

    /// Compiles the grants that a user and their groups were given on an organization, with the permissions of the roles
    /// among them.
    package init(
        userID: ObjectID,
        organizationID: ObjectID,
        groups: [ObjectID],
        grants: [StoredGrant],
        roles: RolePermissions
    ) {
        self.organizationID = organizationID
        self.groups = groups
        dependencies = AccessSubject.deciding(userID, groups, [organizationID], roles)
        for grant in grants {
            let matrix = roles.matrix(of: grant)
            switch grant.object.type {
            case .organization: organization.formUnion(matrix)
            case .orgMember: members.formUnion(matrix)
            case .orgProject: projects.formUnion(matrix)
            case .orgAuditLogs: auditLogs.formUnion(matrix)
            case .project, .experiment, .dataset, .prompt, .promptSession, .group, .role, .projectLog, .projectGroup:
                break
            }
        }
        // A grant on the organization holds for everything in it (design: access control, section 2).
        members.formUnion(organization)
        projects.formUnion(organization)
        auditLogs.formUnion(organization)
    }

    /// What is held over every object of a kind.
    package func matrix(over type: ObjectType) -> PermissionMatrix {
        switch type {
        case .organization, .group, .role: organization
        case .orgMember: members
        case .orgAuditLogs: auditLogs
        case .orgProject, .projectGroup, .project, .experiment, .dataset, .prompt, .promptSession, .projectLog: projects
        }
    }

    /// Whether the user holds everything over the organization.
    package var isOwner: Bool { organization.isEverything }
}

/// What a user was granted on one object and on what it is in, below the organization.
package struct ObjectStanding: Sendable, DependentValue {
    /// The permissions.
    package let matrix: PermissionMatrix

    /// What may change it.
    package let dependencies: [AccessSubject]

    /// Compiles the grants on the objects.
    package init(
        userID: ObjectID,
        groups: [ObjectID],
        objects: [ObjectID],
        grants: [StoredGrant],
        roles: RolePermissions
    ) {
        matrix = grants.reduce(PermissionMatrix()) { $0.union(roles.matrix(of: $1)) }
        dependencies = AccessSubject.deciding(userID, groups, objects, roles)
    }
}

/// The permissions of the roles that some grants give.
package struct RolePermissions: Sendable {
    private var matrices: [ObjectID: PermissionMatrix] = [:]

    /// Every role that they come from, member roles at any depth among them.
    fileprivate private(set) var sources: Set<ObjectID> = []

    /// Takes the permissions as the database has them.
    package init(_ permissions: [RolePermission]) {
        for entry in permissions {
            sources.insert(entry.sourceID)
            guard let permission = entry.permission else { continue }
            matrices[entry.roleID, default: PermissionMatrix()].insert(permission, for: entry.restriction)
        }
    }

    /// What a role lets do.
    package func matrix(of role: ObjectID) -> PermissionMatrix { matrices[role] ?? PermissionMatrix() }

    /// What a grant lets do.
    package func matrix(of grant: StoredGrant) -> PermissionMatrix {
        if let role = grant.roleID { return matrix(of: role) }
        var matrix = PermissionMatrix()
        if let permission = grant.permission { matrix.insert(permission, for: grant.restriction) }
        return matrix
    }
}

extension AccessSubject {
    /// What decides over what a user may do with objects.
    fileprivate static func deciding(
        _ userID: ObjectID,
        _ groups: [ObjectID],
        _ objects: [ObjectID],
        _ roles: RolePermissions
    ) -> [AccessSubject] {
        var subjects: [AccessSubject] = [.user(userID)]
        subjects.reserveCapacity(1 + (groups.count + 1) * (objects.count + 1) + roles.sources.count)
        for group in groups { subjects.append(.group(group)) }
        for role in roles.sources { subjects.append(.role(role)) }
        for object in objects {
            subjects.append(.grant(principal: userID, object: object))
            for group in groups { subjects.append(.grant(principal: group, object: object)) }
        }
        return subjects
    }
}
