package import WitanAccess
package import WitanCore
package import WitanResources
package import WitanStorage

/// What one caller may do, for the time of one request.
package struct Access: Sendable {
    /// Whether a transaction only reads, so that what it found may be kept.
    package enum Transaction: Sendable {
        case reading
        case writing
    }

    /// The caller.
    package let identity: Identity

    private let standings: [Standing]
    private let control: AccessControl
    private let token: FillToken

    init(identity: Identity, standings: [Standing], control: AccessControl, token: FillToken) {
        self.identity = identity
        self.standings = standings
        self.control = control
        self.token = token
    }

    // MARK: Questions

    /// Whether the caller holds a permission on an object, for objects of a kind in it; its own kind when none is named.
    package func holds(
        _ permission: Permission,
        on object: AccessObject,
        for type: ObjectType? = nil,
        in transaction: Access.Transaction,
        on connection: any SQLConnection
    ) throws(Failure) -> Bool {
        guard let standing = standing(in: object.organizationID) else { return false }
        let type = type ?? object.type
        if standing.matrix(over: object.type).contains(permission, for: type) { return true }
        guard !object.isOrganizationWide else { return false }
        return try ownMatrix(on: object, standing, in: transaction, on: connection).contains(permission, for: type)
    }

    /// Whether the caller holds a permission over all objects of a kind in an organization.
    package func holds(_ permission: Permission, overAll type: ObjectType, in organizationID: ObjectID) -> Bool {
        standing(in: organizationID)?.matrix(over: type).contains(permission, for: type) ?? false
    }

    /// Whether the caller holds everything over an organization.
    package func isOwner(of organizationID: ObjectID) -> Bool { standing(in: organizationID)?.isOwner ?? false }

    /// Whether the caller may give others what they do not hold themselves (design: access control, section 2, 6).
    package func mayGrantAnything(in organizationID: ObjectID) -> Bool {
        holds(.updateACLs, overAll: .organization, in: organizationID)
    }

    /// All that the caller holds on an object.
    package func matrix(
        on object: AccessObject,
        in transaction: Access.Transaction,
        on connection: any SQLConnection
    ) throws(Failure) -> PermissionMatrix {
        guard let standing = standing(in: object.organizationID) else { return PermissionMatrix() }
        let matrix = standing.matrix(over: object.type)
        guard !object.isOrganizationWide else { return matrix }
        return matrix.union(try ownMatrix(on: object, standing, in: transaction, on: connection))
    }

    // MARK: Lists

    /// What a list of a resource may show the caller in the organizations that a request chooses.
    package func viewer(
        of resource: Resource,
        _ requirement: Resource.Requirement,
        in selector: Identity.Selector
    ) -> Viewer {
        let organizations = identity.organizations(chosenBy: selector)
        var viewer = Viewer(userID: identity.userID, organizations: organizations)
        let permission: Permission
        switch requirement {
        case .own:
            viewer.seesOwn = true
            return viewer
        case .permission(let needed):
            permission = needed
        case .ownOr(let needed):
            permission = needed
            viewer.seesOwn = !organizations.isEmpty
        }
        for organization in organizations {
            if holds(permission, overAll: resource.objectType, in: organization) {
                viewer.wholeOrganizations.append(organization)
            } else if case .organization = resource.scope, let standing = standing(in: organization) {
                viewer.granted.append(
                    Viewer.Granted(
                        organizationID: organization,
                        groups: standing.groups,
                        permission: permission,
                        type: resource.objectType
                    )
                )
            }
        }
        // Whoever sees everything sees their own.
        if viewer.wholeOrganizations.count == organizations.count { viewer.seesOwn = false }
        return viewer
    }

    // MARK: Steps

    private func standing(in organizationID: ObjectID) -> Standing? {
        standings.first { $0.organizationID == organizationID }
    }

    private func ownMatrix(
        on object: AccessObject,
        _ standing: Standing,
        in transaction: Access.Transaction,
        on connection: any SQLConnection
    ) throws(Failure) -> PermissionMatrix {
        try control.matrix(
            of: identity.userID,
            standing.groups,
            on: object,
            keeping: transaction == .reading ? token : nil,
            on: connection
        )
    }
}

extension AccessObject {
    /// Whether it stands for all objects of a kind in an organization, or for the organization itself.
    package var isOrganizationWide: Bool {
        switch type {
        case .organization, .orgMember, .orgProject, .orgAuditLogs: true
        case .project, .experiment, .dataset, .prompt, .promptSession, .group, .role, .projectLog, .projectGroup: false
        }
    }
}
