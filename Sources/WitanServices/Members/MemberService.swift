import WitanAccess
package import WitanCore
package import WitanJSON
package import WitanResources
package import WitanStorage

/// Adds people and service accounts to organizations, and removes them (design: access control, section 4).
package struct MemberService: Sendable {
    /// A service account that a change has made, or one that was there and for which it has made a token.
    package struct Added: Sendable {
        /// The account's id.
        package let id: ObjectID

        /// Its address, which takes no mail.
        package let email: String

        /// The token's secret; nil when none was made.
        package let token: String?

        /// The token's name.
        package let tokenName: String?
    }

    /// What a change has done.
    package struct Outcome: Sendable {
        /// The organization.
        package let organizationID: ObjectID

        /// The service accounts that were made.
        package let added: [Added]

        /// Why the mail was not sent, where it should have been.
        package let mailError: String?
    }

    private let database: any SQLDatabase
    private let accessControl: AccessControl
    private let tokens: ResourceService
    private let audit: AuditLog
    private let invite: InvitationSender
    private let ids: ObjectIDGenerator
    private let time: TimeSource
    private let accounts = AccountStore()
    private let accesses = AccessStore()
    private let credentials = CredentialStore()
    private let users = ResourceStore(UserResource.resource)

    /// The domain of service accounts' addresses, which nobody can register (RFC 6761, 6.4).
    package static let serviceAccountDomain = "service-accounts.invalid"

    /// Takes what it works with; `tokens` is the service of service tokens.
    package init(
        database: any SQLDatabase,
        accessControl: AccessControl,
        tokens: ResourceService,
        audit: AuditLog,
        invite: @escaping InvitationSender,
        ids: ObjectIDGenerator,
        time: TimeSource
    ) {
        self.database = database
        self.accessControl = accessControl
        self.tokens = tokens
        self.audit = audit
        self.invite = invite
        self.ids = ids
        self.time = time
    }

    /// Does all of a request or nothing of it, then sends the mail.
    ///
    /// Whoever is a member already, or is none, is left as they are: the same request again changes nothing.
    package func update(
        _ request: MembershipRequest,
        in selector: Identity.Selector = Identity.Selector(),
        for caller: Caller
    ) async throws -> Outcome {
        do {
            let organization = try caller.identity.membership(
                Identity.Selector(
                    id: request.organizationID ?? selector.id,
                    name: request.organizationName ?? selector.name,
                    headerName: selector.headerName
                )
            )
            let done = try await accessControl.commit { connection, changes in
                let access = try accessControl.access(for: caller.identity, on: connection)
                var work = Work(organizationID: organization.organizationID, caller: caller, access: access)
                try update(request, &work, on: connection)
                changes = work.changes
                return work
            }
            return Outcome(
                organizationID: organization.organizationID,
                added: done.added,
                mailError: request.sendsMail ? await send(done.invited, organization, caller) : nil
            )
        } catch let failure as Failure where failure.code == .forbidden {
            try await audit.recordRefusal(
                request.adds ? "org_member.created" : "org_member.deleted",
                objectType: ObjectType.orgMember.rawValue,
                objectID: nil,
                in: refusedIn(request, selector, caller),
                by: caller,
                in: database
            )
            throw failure
        }
    }

    /// Puts a person, who is found by their address or made, into an organization and groups, whoever asks.
    ///
    /// - Throws: `.forbidden` when there is no such group.
    package func join(
        _ person: NewPerson,
        _ organizationID: ObjectID,
        groups: [String],
        _ changes: inout AccessChanges,
        on connection: any SQLConnection
    ) throws -> Account {
        let groupIDs = try groups.map { try groupID(named: $0, in: organizationID, on: connection) }
        let existing = try accounts.account(email: person.email, on: connection)
        let account = try existing ?? makePerson(person, on: connection)
        let caller = Caller.commandLine(account)
        if !account.memberships.contains(where: { $0.organizationID == organizationID }) {
            var work = Work(organizationID: organizationID, caller: caller, access: nil)
            try add(account, to: groupIDs, &work, on: connection)
            changes.append(work.changes)
        } else {
            for group in groupIDs where try accounts.insertGroupUser(account.userID, into: group, on: connection) {
                changes.subjects.append(.user(account.userID))
                let record = try ResourceStore(GroupResource.resource).get(group, on: connection)
                guard let record else { throw Failure.bug("A group that was just found cannot be read") }
                try audit.append(
                    .patch,
                    GroupResource.resource,
                    record,
                    organizationID,
                    caller,
                    details: ["add_member_users": [.string(account.userID.description)]],
                    on: connection
                )
            }
        }
        guard let joined = try accounts.account(userID: account.userID, on: connection) else {
            throw Failure.bug("A person who was just written cannot be read")
        }
        return joined
    }

    private func refusedIn(
        _ request: MembershipRequest,
        _ selector: Identity.Selector,
        _ caller: Caller
    ) -> ObjectID? {
        let chosen = caller.identity.organizations(
            chosenBy: Identity.Selector(
                id: request.organizationID,
                name: request.organizationName,
                headerName: selector.headerName
            )
        )
        let organizations = chosen.isEmpty ? caller.identity.organizations() : chosen
        return organizations.count == 1 ? organizations[0] : nil
    }

    // MARK: One request

    /// A request under way, and what has come of it.
    private struct Work: Sendable {
        let organizationID: ObjectID
        let caller: Caller
        let access: Access?
        var changes = AccessChanges()
        var added: [Added] = []
        var invited: [String] = []
    }

    private func update(
        _ request: MembershipRequest,
        _ work: inout Work,
        on connection: any SQLConnection
    ) throws {
        if request.adds {
            try require(.create, work)
            let groups = try groups(of: request, work, on: connection)
            for account in try invited(by: request, work, on: connection) {
                try add(account, to: groups, &work, on: connection)
                work.invited.append(account.email)
            }
            for account in request.serviceAccounts {
                try add(account, to: groups, &work, on: connection)
            }
        }
        if request.removes {
            try require(.delete, work)
            for account in try removed(by: request, on: connection) {
                try remove(account, &work, on: connection)
            }
            try accesses.requireOwner(of: work.organizationID, on: connection)
        }
    }

    private func require(_ permission: Permission, _ work: Work) throws(Failure) {
        guard let access = work.access,
            access.holds(permission, overAll: .orgMember, in: work.organizationID)
        else {
            throw Failure(
                .forbidden,
                "Missing \(permission.rawValue) access to members of organization id \(work.organizationID)"
            )
        }
    }

    /// The groups that new members come into; nobody gives by them what they do not hold themselves.
    private func groups(
        of request: MembershipRequest,
        _ work: Work,
        on connection: any SQLConnection
    ) throws(Failure) -> [ObjectID] {
        var groups: [ObjectID] = []
        for id in request.groupIDs {
            guard try accesses.isThere("group", id, in: work.organizationID, on: connection) else {
                throw Failure(.forbidden, "Missing read access to group id \(id), or the group does not exist")
            }
            groups.append(id)
        }
        for name in request.groupNames {
            groups.append(try groupID(named: name, in: work.organizationID, on: connection))
        }
        // Whoever comes, comes into each once, however often it is named.
        var seen: Set<ObjectID> = []
        groups = groups.filter { seen.insert($0).inserted }
        for group in groups {
            try work.access?.requireCoveringGrants(toGroup: group, in: accesses, on: connection)
        }
        return groups
    }

    private func groupID(
        named name: String,
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> ObjectID {
        guard let id = try accounts.groupID(named: name, in: organizationID, on: connection) else {
            throw Failure(.forbidden, "The organization has no group named \(name).")
        }
        return id
    }

    /// The people to add, of whom those that are new are made.
    private func invited(
        by request: MembershipRequest,
        _ work: Work,
        on connection: any SQLConnection
    ) throws(Failure) -> [Account] {
        var invited: [Account] = []
        for id in request.inviteIDs {
            guard let account = try accounts.account(userID: id, on: connection), isKnown(account, work) else {
                throw Failure(.forbidden, "Missing read access to user id \(id), or the user does not exist")
            }
            invited.append(account)
        }
        for (index, email) in request.inviteEmails.enumerated() {
            guard !email.lowercased().hasSuffix("@\(Self.serviceAccountDomain)") else {
                throw Failure(invalid: [
                    Failure.Issue(
                        path: ["invite_users", "emails", String(index)],
                        message: "must be an address of a person, like a@example.com"
                    )
                ])
            }
            if let existing = try accounts.account(email: email, on: connection) {
                invited.append(existing)
            } else {
                invited.append(try makePerson(NewPerson(email: email), on: connection))
            }
        }
        var seen: Set<ObjectID> = []
        return invited.filter { account in
            seen.insert(account.userID).inserted
                && !account.memberships.contains { $0.organizationID == work.organizationID }
        }
    }

    /// Whether the caller may know of a user: they meet them in an organization whose members they may read.
    private func isKnown(_ account: Account, _ work: Work) -> Bool {
        let organizations = account.memberships.map(\.organizationID)
        if organizations.contains(work.organizationID) { return true }
        guard !account.isServiceAccount, let access = work.access else { return false }
        return organizations.contains { access.holds(.read, overAll: .orgMember, in: $0) }
    }

    private func removed(
        by request: MembershipRequest,
        on connection: any SQLConnection
    ) throws(Failure) -> [Account] {
        var removed: [Account] = []
        for id in request.removeIDs {
            if let account = try accounts.account(userID: id, on: connection) { removed.append(account) }
        }
        for email in request.removeEmails {
            if let account = try accounts.account(email: email, on: connection) { removed.append(account) }
        }
        return removed
    }

    // MARK: One member

    private func makePerson(_ person: NewPerson, on connection: any SQLConnection) throws(Failure) -> Account {
        try makeAccount(
            ids.next(),
            email: person.email,
            givenName: person.givenName,
            familyName: person.familyName,
            on: connection
        )
    }

    private func makeAccount(
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

    private func add(
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

    private func add(
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
        let token = try token(wanted.tokenName, of: account, &work, on: connection)
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
    private func token(
        _ name: String?,
        of account: Account,
        _ work: inout Work,
        on connection: any SQLConnection
    ) throws -> String? {
        guard let name, let access = work.access else { return nil }
        let keys = try credentials.keys(of: account.userID, in: work.organizationID, on: connection)
        guard !keys.contains(where: { $0.name == name }) else { return nil }
        let created = try tokens.create(
            ["name": .string(name), "service_account_id": .string(account.userID.description)],
            in: Identity.Selector(id: work.organizationID),
            for: work.caller,
            access,
            &work.changes,
            on: connection
        )
        return created.revealed.first?.value
    }

    /// Removes a member and deletes their credentials, so that no later invitation brings those back.
    private func remove(_ account: Account, _ work: inout Work, on connection: any SQLConnection) throws(Failure) {
        let (userID, organizationID) = (account.userID, work.organizationID)
        let keys = try credentials.keys(of: userID, in: organizationID, on: connection)
        guard try accounts.removeMember(userID: userID, organizationID: organizationID, on: connection) else { return }
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
    private static func address(of name: String, _ id: ObjectID) -> String {
        let plain = name.lowercased().unicodeScalars
            .map { $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0)) ? Character($0) : "-" }
            .prefix(32)
        return "\(String(plain)).\(id.description.suffix(12))@\(serviceAccountDomain)"
    }

    private func send(_ emails: [String], _ organization: Account.Membership, _ caller: Caller) async -> String? {
        guard !emails.isEmpty else { return nil }
        return await invite(
            emails.map {
                Invitation(
                    email: $0,
                    organization: organization.organizationName,
                    inviter: caller.identity.account.email
                )
            }
        )
    }
}

extension MemberService.Outcome {
    /// The answer of the API.
    package var json: JSONObject {
        let added = added.map { account -> JSONValue in
            [
                "id": .string(account.id.description), "email": .string(account.email),
                "api_key": account.token.map(JSONValue.string) ?? .null,
                "token_name": account.tokenName.map(JSONValue.string) ?? .null,
            ]
        }
        return [
            "status": "success",
            "org_id": .string(organizationID.description),
            "send_email_error": mailError.map(JSONValue.string) ?? .null,
            "added_users": added.isEmpty ? .null : .array(added),
        ]
    }
}

extension AccessChanges {
    fileprivate mutating func append(_ other: AccessChanges) {
        subjects += other.subjects
        revokedCredentials += other.revokedCredentials
        users += other.users
        allCredentials = allCredentials || other.allCredentials
    }
}
