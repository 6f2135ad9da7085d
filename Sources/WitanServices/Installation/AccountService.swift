package import WitanCore
import WitanJSON
package import WitanResources
package import WitanStorage

/// Makes organizations and people, for whoever runs the server's commands.
package struct AccountService: Sendable {
    /// What a founding made.
    package struct Founded: Sendable {
        /// The organization.
        package let organization: Record

        /// Its owner, made or found.
        package let owner: Record

        /// The owner's first key with its secret; nil when none was asked for.
        package let key: ResourceService.Created?
    }

    private let database: any SQLDatabase
    private let keys: ResourceService
    private let members: MemberService
    private let accessControl: AccessControl
    private let audit: AuditLog
    private let ids: ObjectIDGenerator
    private let time: TimeSource
    private let accounts = AccountStore()
    private let accesses = AccessStore()
    private let organizations = ResourceStore(OrganizationResource.resource)
    private let users = ResourceStore(UserResource.resource)

    /// Takes what it works with; `keys` is the service of API keys.
    package init(
        database: any SQLDatabase,
        keys: ResourceService,
        members: MemberService,
        accessControl: AccessControl,
        audit: AuditLog,
        ids: ObjectIDGenerator,
        time: TimeSource
    ) {
        self.database = database
        self.keys = keys
        self.members = members
        self.accessControl = accessControl
        self.audit = audit
        self.ids = ids
        self.time = time
    }

    /// Whether there is no organization yet.
    package func isEmpty() async throws -> Bool {
        try await database.read { [accounts] in try !accounts.hasOrganizations(on: $0) }
    }

    /// Makes an organization with an owner, who is found by their address or made, and with `keyName` a first key.
    ///
    /// All of it is durable when this returns, or none of it.
    ///
    /// - Throws: `.conflict` when an organization of that name is there.
    package func found(_ name: String, owner person: NewPerson, keyName: String?) async throws -> Founded {
        let draft = try Draft(body: .object(["name": .string(name)]), for: .replace, of: OrganizationResource.resource)
        guard !draft.values.isEmpty else { throw Failure.bug("An organization's name was not read") }
        let organizationID = ids.next()
        let now = time.now().truncatedToMilliseconds
        return try await accessControl.commit { connection, changes in
            guard try accounts.organizationID(named: name, on: connection) == nil else {
                throw Failure(.conflict, "There is an organization of that name already; choose another name.")
            }
            try accounts.insertOrganization(organizationID, name: name, ids: ids, at: now, on: connection)
            let account = try members.join(
                person,
                organizationID,
                groups: [BuiltInGroup.owners.name],
                &changes,
                on: connection
            )
            let caller = Caller.commandLine(account)
            let organization = try record(organizationID, organizations, on: connection)
            try audit.append(
                .create,
                OrganizationResource.resource,
                organization,
                organizationID,
                caller,
                on: connection
            )
            let access = try accessControl.access(for: caller.identity, on: connection)
            let key = try keyName.map { keyName in
                try keys.create(
                    .object(["name": .string(keyName)]),
                    in: Identity.Selector(id: organizationID),
                    for: caller,
                    access,
                    &changes,
                    on: connection
                )
            }
            let owner = try record(account.userID, users, on: connection)
            return Founded(organization: organization, owner: owner, key: key)
        }
    }

    /// The address of a user.
    ///
    /// - Throws: `.unauthenticated` when they are gone, as for a link that is too old.
    package func email(of userID: ObjectID) async throws -> String {
        let account = try await database.read { [accounts] in try accounts.account(userID: userID, on: $0) }
        guard let account else { throw Failure.usedSignInLink }
        return account.email
    }

    /// Adds a person to an organization and to groups of it; what somebody is in already, they stay in.
    ///
    /// - Throws: `.invalidRequest` when there is no such organization, and `.forbidden` when it has no such group.
    package func add(_ person: NewPerson, to organization: String, groups: [String]) async throws -> Record {
        try await accessControl.commit { connection, changes in
            let organizationID = try organizationID(named: organization, on: connection)
            let account = try members.join(person, organizationID, groups: groups, &changes, on: connection)
            return try record(account.userID, users, on: connection)
        }
    }

    /// Sets whether whoever makes an object of the organization's gets the Owner role on it.
    ///
    /// - Throws: `.invalidRequest` when there is no such organization.
    package func setGrantsOwnership(_ grants: Bool, in organization: String) async throws {
        try await database.write { connection in
            let caller = try commandCaller(inOrganization: organization, on: connection)
            let organizationID = caller.identity.organizationID
            guard try accounts.grantsOwnership(organizationID, on: connection) != grants else { return }
            try accounts.setGrantsOwnership(grants, in: organizationID, on: connection)
            try audit.append(
                .patch,
                OrganizationResource.resource,
                record(organizationID, organizations, on: connection),
                organizationID,
                caller,
                details: ["grants_ownership": .bool(grants)],
                on: connection
            )
        }
    }

    /// Whoever runs a command on an organization's data, who may do in it what an owner may.
    ///
    /// They act for one of its owners, so that the rules that keep an organization whole hold for commands too.
    ///
    /// - Throws: `.invalidRequest` when there is no such organization, and when none is named and there are several.
    package func commandCaller(inOrganization name: String?) async throws -> Caller {
        try await database.read { try commandCaller(inOrganization: name, on: $0) }
    }

    private func commandCaller(
        inOrganization name: String?,
        on connection: any SQLConnection
    ) throws(Failure) -> Caller {
        let organizationID =
            if let name { try organizationID(named: name, on: connection) } else {
                try onlyOrganizationID(on: connection)
            }
        guard let owner = try accesses.owner(of: organizationID, on: connection),
            let account = try accounts.account(userID: owner, on: connection)
        else {
            throw Failure(
                .conflict,
                "The organization has no owner to act for; `witan users create --owner` gives it one."
            )
        }
        return .commandLine(account, in: organizationID)
    }

    private func onlyOrganizationID(on connection: any SQLConnection) throws(Failure) -> ObjectID {
        let ids = try accounts.organizationIDs(limit: 2, on: connection)
        guard ids.count < 2 else {
            throw Failure(
                .invalidRequest,
                "There are several organizations: name one with --organization; `witan organizations list` shows them."
            )
        }
        guard let id = ids.first else {
            throw Failure(.invalidRequest, "There is no organization yet; `witan init` makes one.")
        }
        return id
    }

    /// An organization by its name.
    ///
    /// - Throws: `.invalidRequest` when there is no such organization.
    package func organizationID(named name: String) async throws -> ObjectID {
        try await database.read { try organizationID(named: name, on: $0) }
    }

    /// Somebody by their address, as a caller from the command line.
    ///
    /// - Throws: `.invalidRequest` when there is nobody of that address.
    package func caller(email: String) async throws -> Caller {
        guard let account = try await database.read({ [accounts] in try accounts.account(email: email, on: $0) }) else {
            throw Failure(
                .invalidRequest,
                "There is nobody with the address \(email); `witan users list` shows those that are there."
            )
        }
        return .commandLine(account)
    }

    /// Somebody by their id, as a caller from the command line.
    package func caller(userID: ObjectID) async throws -> Caller? {
        try await database.read { [accounts] in try accounts.account(userID: userID, on: $0) }.map { .commandLine($0) }
    }

    private func organizationID(named name: String, on connection: any SQLConnection) throws(Failure) -> ObjectID {
        guard let organizationID = try accounts.organizationID(named: name, on: connection) else {
            throw Failure(
                .invalidRequest,
                "There is no organization of that name; `witan organizations list` shows those that are there."
            )
        }
        return organizationID
    }

    private func record(
        _ id: ObjectID,
        _ store: ResourceStore,
        on connection: any SQLConnection
    ) throws(Failure) -> Record {
        guard let record = try store.get(id, on: connection) else {
            throw .bug("A \(store.resource.name) that was just written cannot be read")
        }
        return record
    }
}
