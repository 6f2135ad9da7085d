package import WitanAccess
package import WitanCore
package import WitanStorage

/// Who a credential acts for, where, and how that was shown.
package struct Identity: Sendable, CachedCredential {
    /// How the caller was authenticated; the raw value stands in the audit log.
    package enum Authentication: String, Sendable {
        /// An API key.
        case apiKey = "api_key"
        /// A service account's token.
        case serviceToken = "service_token"
        /// A JSON Web Token of an outside issuer.
        case token
        /// A JSON Web Token of this server's own.
        case session
        /// A person's session in a browser.
        case browser
        /// Not at all: somebody who tried to sign in as the account.
        case none
        /// A command run on the server's own data.
        case commandLine = "command_line"
    }

    /// The person or service account.
    package let account: Account

    /// The organizations that the credential can act in: a key's one, or all of the person's.
    package let memberships: [Account.Membership]

    /// How the caller was authenticated.
    package let authentication: Authentication

    /// The id of the API key, the service token or the browser's session.
    package let keyID: ObjectID?

    /// When the credential ends by itself.
    package let expiresAt: Timestamp?

    /// Until when it is believed without a look at what it rests on; nil for as long as it lasts.
    package let believedUntil: Timestamp?

    /// What the database may hold of a service token's secret, which another can take the place of; empty for others.
    package let digests: [StoredDigest]

    /// The owner who acts as `account`; nil when somebody acts as themselves.
    package let impersonator: Account?

    /// A caller with these rights.
    package init(
        account: Account,
        memberships: [Account.Membership],
        authentication: Authentication,
        keyID: ObjectID? = nil,
        expiresAt: Timestamp? = nil,
        believedUntil: Timestamp? = nil,
        digests: [StoredDigest] = [],
        impersonator: Account? = nil
    ) {
        self.account = account
        self.memberships = memberships
        self.authentication = authentication
        self.keyID = keyID
        self.expiresAt = expiresAt
        self.believedUntil = believedUntil
        self.digests = digests
        self.impersonator = impersonator
    }

    /// The same caller in these organizations alone.
    package func within(_ memberships: [Account.Membership]) -> Identity {
        Identity(
            account: account,
            memberships: memberships,
            authentication: authentication,
            keyID: keyID,
            expiresAt: expiresAt,
            believedUntil: believedUntil,
            digests: digests,
            impersonator: impersonator
        )
    }

    /// Whether its secret is the one of which the database holds that digest; true for what keeps its secret.
    func isSecret(of digest: [UInt8]) -> Bool {
        guard !digests.isEmpty, let stored = StoredDigest(bytes: digest) else { return digests.isEmpty }
        return digests.contains { $0.isEqual(to: stored) }
    }

    /// The id of the person or service account.
    package var userID: ObjectID { account.userID }

    /// Who has made what the caller makes; nil for a command, behind which may stand another than it acts for.
    package var makerID: ObjectID? { authentication == .commandLine ? nil : userID }

    /// The key's id; a JWT has none here, so that what ends it is its person's change or its own end.
    package var credentialID: ObjectID { keyID ?? (impersonator ?? account).userID }

    /// The first organization: a change of any empties the whole cache, so that the others need not be known.
    package var organizationID: ObjectID { memberships.first?.organizationID ?? account.userID }
}

extension Identity {
    /// How a request names the organization that it is about (design: key service, section 4).
    package struct Selector: Sendable {
        /// `org_id` of the body or the query.
        package var id: ObjectID?

        /// `org_name` of the body or the query.
        package var name: String?

        /// The header `x-bt-org-name`.
        package var headerName: String?

        /// Names an organization, or none.
        package init(id: ObjectID? = nil, name: String? = nil, headerName: String? = nil) {
            self.id = id
            self.name = name
            self.headerName = headerName
        }
    }

    /// The one organization that a request acts in: `org_id`, else `org_name`, else the header, else the only one.
    ///
    /// - Throws: `.forbidden` for one that the caller is not in or that is not there, and `.invalidRequest` that lists
    ///   the names when there are several and none is named.
    package func membership(_ selector: Selector) throws(Failure) -> Account.Membership {
        if let id = selector.id {
            return try membership("org_id \(id)") { $0.organizationID == id }
        }
        if let name = selector.name ?? selector.headerName {
            return try membership("the organization of that name") { $0.isNamed(name) }
        }
        switch memberships.count {
        case 1: return memberships[0]
        case 0: throw Failure(.forbidden, "You are in no organization; ask an owner of one to add you.")
        default:
            let names = memberships.map(\.organizationName).joined(separator: ", ")
            let message = "must name one of your organizations: \(names)"
            throw Failure(invalid: [Failure.Issue(path: ["org_name"], message: message)])
        }
    }

    private func membership(
        _ what: String,
        where matches: (Account.Membership) -> Bool
    ) throws(Failure) -> Account.Membership {
        guard let membership = memberships.first(where: matches) else {
            throw Failure(.forbidden, "Missing access to \(what), or the organization does not exist")
        }
        return membership
    }

    /// The caller's organizations, or the one that a filter names if it is among them.
    package func organizations(chosenBy selector: Selector = Selector()) -> [ObjectID] {
        memberships.filter { membership in
            if let id = selector.id { return membership.organizationID == id }
            if let name = selector.name ?? selector.headerName { return membership.isNamed(name) }
            return true
        }
        .map(\.organizationID)
    }
}

extension Account.Membership {
    /// Whether the organization has exactly that name, byte for byte, as the database compares names.
    ///
    /// Swift's `==` also holds for names that are different sequences of characters and look the same.
    fileprivate func isNamed(_ name: String) -> Bool { organizationName.utf8.elementsEqual(name.utf8) }
}

/// Where a request came from, for the audit log.
package struct RequestOrigin: Sendable {
    /// The client's address, as the trusted proxies tell it; nil for a command.
    package let clientAddress: String?

    /// The header `User-Agent`.
    package let userAgent: String?

    /// The 32 hexadecimal digits that the answer carries too.
    package let traceID: String?

    /// Describes where a request came from.
    package init(clientAddress: String? = nil, userAgent: String? = nil, traceID: String? = nil) {
        self.clientAddress = clientAddress
        self.userAgent = userAgent
        self.traceID = traceID
    }
}

/// Who asks, and from where.
package struct Caller: Sendable {
    /// Who asks.
    package let identity: Identity

    /// Where they ask from.
    package let origin: RequestOrigin

    /// Who asks, and from where.
    package init(identity: Identity, origin: RequestOrigin) {
        self.identity = identity
        self.origin = origin
    }
}
