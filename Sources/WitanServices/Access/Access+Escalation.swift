package import WitanAccess
package import WitanCore
package import WitanStorage

// Nobody gives what they do not hold themselves (design: access control, section 2, 6). Whatever makes others hold
// more goes through one of these: a grant, a member of a group, a permission of a role.
extension Access {
    /// Refuses a grant of more than the caller holds on the object.
    package func requireCovering(
        _ grant: StoredGrant,
        in store: AccessStore,
        on connection: any SQLConnection
    ) throws(Failure) {
        try requireCovering([grant], beyond: nil, in: store, on: connection)
    }

    /// Refuses new members of a group that was granted more than the caller holds.
    package func requireCoveringGrants(
        toGroup group: ObjectID,
        in store: AccessStore,
        on connection: any SQLConnection
    ) throws(Failure) {
        let groups = try store.groupsHolding([group], on: connection)
        try requireCovering(store.grants(to: groups, on: connection), beyond: nil, in: store, on: connection)
    }

    /// Refuses new permissions of a role that was given where the caller does not hold them.
    package func requireCoveringGrants(
        ofRole role: ObjectID,
        gaining matrix: PermissionMatrix,
        in organizationID: ObjectID,
        _ store: AccessStore,
        on connection: any SQLConnection
    ) throws(Failure) {
        let roles = try store.rolesHaving(role, on: connection)
        let grants = try store.grants(of: roles, in: organizationID, on: connection)
        try requireCovering(grants, beyond: matrix, in: store, on: connection)
    }

    private func requireCovering(
        _ grants: [StoredGrant],
        beyond gained: PermissionMatrix?,
        in store: AccessStore,
        on connection: any SQLConnection
    ) throws(Failure) {
        let foreign = grants.filter { !mayGrantAnything(in: $0.object.organizationID) }
        guard !foreign.isEmpty else { return }
        let roles = try AccessControl.permissions(of: gained == nil ? foreign : [], store, on: connection)
        for grant in foreign {
            let held = try matrix(on: grant.object, in: .writing, on: connection)
            guard held.covers(gained ?? roles.matrix(of: grant)) else {
                throw Failure(
                    .forbidden,
                    """
                    This would give others what you do not hold yourself on \(grant.object.type.rawValue) id \
                    \(grant.object.id); somebody with update_acls on the organization can do it.
                    """
                )
            }
        }
    }
}
