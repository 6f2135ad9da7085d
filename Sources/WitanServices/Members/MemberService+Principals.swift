package import WitanCore
package import WitanResources
package import WitanStorage

// Who was given what in an organization, for those who look after its access.
extension MemberService {
    /// The page of those who were given something, each with their newest grants on the organization as a whole.
    ///
    /// - Throws: `.forbidden` for whoever may not read the organization's grants.
    package func principals(
        of organizationID: ObjectID,
        from cursor: ListRequest.Cursor?,
        limit: Int,
        grantLimit: Int,
        for caller: Caller
    ) async throws -> DirectoryStore.PrincipalPage {
        try await requireGrants(of: organizationID, for: caller)
        return try await database.read { connection in
            try DirectoryStore()
                .principals(
                    of: organizationID,
                    from: cursor,
                    limit: limit,
                    grantLimit: grantLimit,
                    on: connection
                )
        }
    }

    /// One group or member with their newest grants; nil for who is neither.
    ///
    /// - Throws: `.forbidden` for whoever may not read the organization's grants.
    package func principal(
        _ id: ObjectID,
        of organizationID: ObjectID,
        grantLimit: Int,
        for caller: Caller
    ) async throws -> DirectoryStore.Principal? {
        try await requireGrants(of: organizationID, for: caller)
        return try await database.read { connection in
            try DirectoryStore().principal(id, of: organizationID, grantLimit: grantLimit, on: connection)
        }
    }

    private func requireGrants(of organizationID: ObjectID, for caller: Caller) async throws {
        let access = try await accessControl.access(for: caller.identity)
        guard access.holds(.readACLs, overAll: .organization, in: organizationID),
            access.holds(.read, overAll: .group, in: organizationID)
        else {
            throw Failure(.forbidden, "Missing read_acls access to organization id \(organizationID)")
        }
    }
}
