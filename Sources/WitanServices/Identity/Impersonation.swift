import WitanCore
package import WitanStorage

/// Lets an owner act as somebody else (design: access control, section 2, 8).
package struct Impersonation: Sendable {
    private let database: any SQLDatabase
    private let accessControl: AccessControl
    private let accounts = AccountStore()

    /// Takes where users are and what decides who owns what.
    package init(database: any SQLDatabase, accessControl: AccessControl) {
        self.database = database
        self.accessControl = accessControl
    }

    /// The identity of the user of that id or address, as the owner may use it: where both can act.
    ///
    /// - Throws: `.forbidden`, in one text, unless the caller is a person who owns every organization that the user is
    ///   in, and the user is in one.
    package func identity(of user: String, by owner: Identity) async throws -> Identity {
        let refusal = Failure(
            .forbidden,
            """
            You cannot act as that user, or the user does not exist: it takes an owner of every organization that the \
            user is in.
            """
        )
        let account = try await database.read { [accounts] connection in
            if let id = ObjectID(user) { return try accounts.account(userID: id, on: connection) }
            return try accounts.account(email: user, on: connection)
        }
        guard let account, !owner.account.isServiceAccount, !account.memberships.isEmpty else { throw refusal }
        for membership in account.memberships {
            guard owner.account.memberships.contains(where: { $0.organizationID == membership.organizationID }),
                try await accessControl.standing(of: owner.userID, in: membership.organizationID).isOwner
            else { throw refusal }
        }
        let reach = Set(owner.memberships.map(\.organizationID))
        let memberships = account.memberships.filter { reach.contains($0.organizationID) }
        guard !memberships.isEmpty else { throw refusal }
        return Identity(
            account: account,
            memberships: memberships,
            authentication: owner.authentication,
            keyID: owner.keyID,
            expiresAt: owner.expiresAt,
            impersonator: owner.account
        )
    }
}
