import WitanAccess
import WitanCore
import WitanJSON
import WitanResources
import WitanStorage

// One member: how people and service accounts come into an organization, and how they leave it.
extension MemberService {
    func makePerson(_ person: NewPerson, on connection: any SQLConnection) throws(Failure) -> Account {
        try makeAccount(
            ids.next(),
            email: person.email,
            givenName: person.givenName,
            familyName: person.familyName,
            on: connection
        )
    }

    func makeAccount(
        _ id: ObjectID,
        email: String,
        givenName: String?,
        familyName: String? = nil,
        serviceOrganizationID: ObjectID? = nil,
        on connection: any SQLConnection
    ) throws(Failure) -> Account {
        try accounts.insertUser(
            id,
            email: email,
            givenName: givenName,
            familyName: familyName,
            serviceOrganizationID: serviceOrganizationID,
            at: time.now().truncatedToMilliseconds,
            on: connection
        )
        guard let account = try accounts.account(userID: id, on: connection) else {
            throw .bug("A user who was just written cannot be read")
        }
        return account
    }

    func add(
        _ account: Account,
        to groups: [ObjectID],
        _ work: inout Work,
        on connection: any SQLConnection
    ) throws(Failure) {
        try accounts.insertMember(
            userID: account.userID,
            organizationID: work.organizationID,
            at: time.now().truncatedToMilliseconds,
            on: connection
        )
        for group in groups { _ = try accounts.insertGroupUser(account.userID, into: group, on: connection) }
        work.changes.users.append(account.userID)
        work.changes.subjects.append(.user(account.userID))
        try audit.append(
            "\(ObjectType.orgMember.rawValue).created",
            objectType: ObjectType.orgMember.rawValue,
            objectID: account.userID,
            objectName: account.email,
            in: work.organizationID,
            by: work.caller,
            details: groups.isEmpty ? nil : ["group_ids": .array(groups.map { .string($0.description) })],
            on: connection
        )
    }

    func add(
        _ wanted: MembershipRequest.ServiceAccount,
        to groups: [ObjectID],
        _ work: inout Work,
        on connection: any SQLConnection
    ) throws {
        let existing = try accounts.serviceAccount(named: wanted.name, in: work.organizationID, on: connection)
        let account: Account
        if let existing {
            account = existing
        } else {
            let id = ids.next()
            account = try makeAccount(
                id,
                email: Self.address(of: wanted.name, id),
                givenName: wanted.name,
                serviceOrganizationID: work.organizationID,
                on: connection
            )
            try add(account, to: groups, &work, on: connection)
        }
        let token = try token(wanted.tokenName, wanted.tokenExpiresAt, of: account, &work, on: connection)
        guard existing == nil || token != nil else { return }
        work.added.append(
            Added(
                id: account.userID,
                email: account.email,
                token: token,
                tokenName: token == nil ? nil : wanted.tokenName
            )
        )
    }

    /// Makes a service account's first token of a name; nil when none is wanted, or there is one.
    func token(
        _ name: String?,
        _ expiresAt: Timestamp?,
        of account: Account,
        _ work: inout Work,
        on connection: any SQLConnection
    ) throws -> String? {
        guard let name, let access = work.access else { return nil }
        let keys = try credentials.keys(of: account.userID, in: work.organizationID, on: connection)
        guard !keys.contains(where: { $0.name == name }) else { return nil }
        var body: JSONObject = ["name": .string(name), "service_account_id": .string(account.userID.description)]
        if let expiresAt { body[ServiceTokenResource.expiresAt.spec.name] = .string(expiresAt.rfc3339) }
        let created = try tokens.create(
            .object(body),
            in: Identity.Selector(id: work.organizationID),
            for: work.caller,
            access,
            &work.changes,
            on: connection
        )
        return created.revealed.first?.value
    }

    /// Removes a member and deletes their credentials, so that no later invitation brings those back.
    func remove(_ account: Account, _ work: inout Work, on connection: any SQLConnection) throws(Failure) {
        let (userID, organizationID) = (account.userID, work.organizationID)
        guard try accounts.removeMember(userID: userID, organizationID: organizationID, on: connection) else {
            work.changes.wasDoneBefore = true
            return
        }
        // Not before: a key may just be made, whose transaction keeps the membership until its commit.
        let keys = try credentials.keys(of: userID, in: organizationID, on: connection)
        for key in keys {
            try credentials.delete(key, on: connection)
            work.changes.revokedCredentials.append(key.id)
            let noun = key.kind == .apiKey ? APIKeyResource.resource.name : ServiceTokenResource.resource.name
            try audit.append(
                "\(noun).deleted",
                objectType: noun,
                objectID: key.id,
                objectName: key.name,
                in: organizationID,
                by: work.caller,
                details: nil,
                on: connection
            )
        }
        // Also those that began before somebody comes back: a session must not outlive what it was begun with.
        work.changes.revokedCredentials += try sessions.deleteAll(of: userID, on: connection)
        try signIns.endLinks(of: userID, expiringBy: time.now().advanced(by: SignInLinks.lifetime), on: connection)
        work.changes.users.append(userID)
        work.changes.subjects.append(.user(userID))
        try audit.append(
            "\(ObjectType.orgMember.rawValue).deleted",
            objectType: ObjectType.orgMember.rawValue,
            objectID: userID,
            objectName: account.email,
            in: organizationID,
            by: work.caller,
            details: nil,
            on: connection
        )
    }

    /// An address that tells people whose it is and that no mail reaches.
    static func address(of name: String, _ id: ObjectID) -> String {
        let plain = name.lowercased().unicodeScalars
            .map { $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0)) ? Character($0) : "-" }
            .prefix(32)
        return "\(String(plain)).\(id.description.suffix(12))@\(serviceAccountDomain)"
    }

    func send(_ emails: [String], _ organization: Account.Membership, _ caller: Caller) async -> String? {
        guard !emails.isEmpty else { return nil }
        guard let invite else {
            return "This server sends no mail (it has no setting smtp-url); tell the people yourself."
        }
        let invitations = emails.map {
            Invitation(email: $0, organization: organization.organizationName, inviter: caller.identity.account.email)
        }
        return await TransactionDeadline.postponed { await invite(invitations) }
    }
}
