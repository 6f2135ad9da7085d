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

    let database: any SQLDatabase
    let accessControl: AccessControl
    let tokens: ResourceService
    let audit: AuditLog
    let invite: InvitationSender?
    let ids: ObjectIDGenerator
    let time: TimeSource
    let accounts = AccountStore()
    let accesses = AccessStore()
    let credentials = CredentialStore()
    let sessions = SessionStore()
    let signIns = SignInStore()

    /// Whether invited people can be told by mail.
    package var sendsMail: Bool { invite != nil }

    /// The domain of service accounts' addresses, which nobody can register (RFC 6761, 6.4).
    package static let serviceAccountDomain = "service-accounts.invalid"

    /// Takes what it works with; `tokens` is the service of service tokens, and `invite` nil where no mail is sent.
    package init(
        database: any SQLDatabase,
        accessControl: AccessControl,
        tokens: ResourceService,
        audit: AuditLog,
        invite: InvitationSender?,
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
                id: request.organizationID ?? selector.id,
                name: request.organizationName ?? selector.name,
                headerName: selector.headerName
            )
        )
        let organizations = chosen.isEmpty ? caller.identity.organizations() : chosen
        return organizations.count == 1 ? organizations[0] : nil
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
    mutating func append(_ other: AccessChanges) {
        subjects += other.subjects
        revokedCredentials += other.revokedCredentials
        users += other.users
        allCredentials = allCredentials || other.allCredentials
        wasDoneBefore = wasDoneBefore || other.wasDoneBefore
    }
}
