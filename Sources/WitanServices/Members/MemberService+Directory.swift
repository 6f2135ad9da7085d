package import WitanCore
package import WitanStorage

// Who is in an organization and in its groups, for those who look after them.
extension MemberService {
    /// Those of some users who are in an organization, each with their groups if the caller may read groups.
    ///
    /// Whoever may not read its members finds themselves alone.
    package func members(
        _ users: [ObjectID],
        of organizationID: ObjectID,
        groupLimit: Int,
        for caller: Caller
    ) async throws -> [ObjectID: DirectoryStore.Member] {
        let access = try await accessControl.access(for: caller.identity)
        let seesAll = access.holds(.read, overAll: .orgMember, in: organizationID)
        let seesGroups = access.holds(.read, overAll: .group, in: organizationID)
        let visible = seesAll ? users : users.filter { $0 == caller.identity.userID }
        return try await database.read { connection in
            try DirectoryStore()
                .members(visible, of: organizationID, groupLimit: seesGroups ? groupLimit : 0, on: connection)
        }
    }

    /// The first groups of an organization, by name; none for whoever may not read them all.
    package func groups(
        of organizationID: ObjectID,
        limit: Int,
        for caller: Caller
    ) async throws -> [DirectoryStore.Group] {
        let access = try await accessControl.access(for: caller.identity)
        guard access.holds(.read, overAll: .group, in: organizationID) else { return [] }
        return try await database.read { connection in
            try DirectoryStore().groups(of: organizationID, limit: limit, on: connection)
        }
    }

    /// The first service accounts of an organization, by name; none for whoever may not read its members.
    package func serviceAccounts(
        of organizationID: ObjectID,
        limit: Int,
        for caller: Caller
    ) async throws -> [DirectoryStore.UserName] {
        let access = try await accessControl.access(for: caller.identity)
        guard access.holds(.read, overAll: .orgMember, in: organizationID) else { return [] }
        return try await database.read { connection in
            try DirectoryStore().serviceAccounts(of: organizationID, limit: limit, on: connection)
        }
    }

    /// The first users and the first groups that are in a group itself.
    ///
    /// - Throws: `.forbidden` for whoever may not read the groups and the members of its organization.
    package func content(
        of group: ObjectID,
        in organizationID: ObjectID,
        limit: Int,
        for caller: Caller
    ) async throws -> (users: [DirectoryStore.UserName], groups: [DirectoryStore.GroupName]) {
        let access = try await accessControl.access(for: caller.identity)
        return try await database.read { connection in
            let store = DirectoryStore()
            guard access.holds(.read, overAll: .group, in: organizationID),
                access.holds(.read, overAll: .orgMember, in: organizationID),
                try store.isGroup(group, of: organizationID, on: connection)
            else {
                throw Failure(
                    .forbidden,
                    "Missing read access to group id \(group), or the group does not exist"
                )
            }
            return (
                try store.users(in: group, limit: limit, on: connection),
                try store.groups(in: group, limit: limit, on: connection)
            )
        }
    }
}
