import WitanCore
import WitanResources
package import WitanStorage

/// Lets an owner act as somebody else (design: access control, section 2, 8).
package struct Impersonation: Sendable {
    private let database: any SQLDatabase
    private let accessControl: AccessControl
    private let audit: AuditLog
    private let accounts = AccountStore()

    /// Takes where users are, what decides who owns what, and where refusals are told.
    package init(database: any SQLDatabase, accessControl: AccessControl, audit: AuditLog) {
        self.database = database
        self.accessControl = accessControl
        self.audit = audit
    }

    /// The identity of the user of that id or address, as the owner may use it: where both can act.
    ///
    /// - Throws: `.forbidden`, in one text, unless the caller is a person who owns every organization that the user is
    ///   in, and the user is in one.
    package func identity(of user: String, by owner: Caller) async throws -> Identity {
        if let identity = try await identity(of: user, by: owner.identity) { return identity }
        let organizations = owner.identity.organizations()
        try await audit.recordRefusal(
            "user.impersonated",
            objectType: UserResource.resource.name,
            objectID: ObjectID(user),
            in: organizations.count == 1 ? organizations[0] : nil,
            by: owner,
            in: database
        )
        throw Failure.impersonationRefused
    }

    private func identity(of user: String, by owner: Identity) async throws -> Identity? {
        let account = try await database.read { [accounts] connection in
            if let id = ObjectID(user) { return try accounts.account(userID: id, on: connection) }
            return try accounts.account(email: user, on: connection)
        }
        guard let account, !owner.account.isServiceAccount, !account.memberships.isEmpty else { return nil }
        for membership in account.memberships {
            guard owner.account.memberships.contains(where: { $0.organizationID == membership.organizationID }),
                try await accessControl.standing(of: owner.userID, in: membership.organizationID).isOwner
            else { return nil }
        }
        let reach = Set(owner.memberships.map(\.organizationID))
        let memberships = account.memberships.filter { reach.contains($0.organizationID) }
        guard !memberships.isEmpty else { return nil }
        return Identity(
            account: account,
            memberships: memberships,
            authentication: owner.authentication,
            keyID: owner.keyID,
            expiresAt: owner.expiresAt,
            believedUntil: owner.believedUntil,
            digests: owner.digests,
            impersonator: owner.account
        )
    }
}

extension Failure {
    /// The one text for every user whom the caller cannot act as.
    static let impersonationRefused = Failure(
        .forbidden,
        """
        You cannot act as that user, or the user does not exist: it takes an owner of every organization that the user \
        is in.
        """
    )
}
