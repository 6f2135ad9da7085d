package import WitanCore
import WitanJSON
package import WitanResources
package import WitanStorage

/// Makes organizations and people, for whoever runs the server's commands.
package struct AccountService: Sendable {
    /// A person to make, or to find by their address.
    package struct Person: Sendable {
        /// The e-mail address, in the form in which it is stored.
        package let email: String

        /// The given name, if one was told.
        package let givenName: String?

        /// The family name, if one was told.
        package let familyName: String?

        /// Describes a person.
        ///
        /// - Throws: `.invalidRequest` for what is not an e-mail address.
        package init(email: String, givenName: String? = nil, familyName: String? = nil) throws(Failure) {
            let parts = email.split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), email.count <= 254,
                !email.unicodeScalars.contains(where: { $0.properties.isWhitespace || $0.value < 0x20 })
            else {
                throw Failure(invalid: [
                    Failure.Issue(path: ["email"], message: "must be an address like a@example.com")
                ])
            }
            self.email = AccountStore.normalized(email)
            self.givenName = givenName
            self.familyName = familyName
        }
    }

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
    private let audit: AuditLog
    private let ids: ObjectIDGenerator
    private let time: TimeSource
    private let accounts = AccountStore()
    private let organizations = ResourceStore(OrganizationResource.resource)
    private let users = ResourceStore(UserResource.resource)

    /// Takes what it works with; `keys` is the service of API keys.
    package init(
        database: any SQLDatabase,
        keys: ResourceService,
        audit: AuditLog,
        ids: ObjectIDGenerator,
        time: TimeSource
    ) {
        self.database = database
        self.keys = keys
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
    package func found(_ name: String, owner person: Person, keyName: String?) async throws -> Founded {
        let draft = try Draft(body: .object(["name": .string(name)]), for: .replace, of: OrganizationResource.resource)
        guard !draft.values.isEmpty else { throw Failure.bug("An organization's name was not read") }
        let organizationID = ids.next()
        let now = time.now().truncatedToMilliseconds
        return try await database.write { connection in
            guard try accounts.organizationID(named: name, on: connection) == nil else {
                throw Failure(.conflict, "There is an organization of that name already; choose another name.")
            }
            try accounts.insertOrganization(organizationID, name: name, at: now, on: connection)
            let account = try join(person, organizationID, isOwner: true, at: now, on: connection)
            let caller = Caller.commandLine(account)
            let organization = try record(organizationID, organizations, for: caller, on: connection)
            try audit.append(
                .create,
                OrganizationResource.resource,
                organization,
                organizationID,
                caller,
                on: connection
            )
            let key = try keyName.map { keyName in
                let selector = Identity.Selector(id: organizationID)
                return try keys.create(.object(["name": .string(keyName)]), in: selector, for: caller, on: connection)
            }
            let owner = try record(account.userID, users, for: caller, on: connection)
            return Founded(organization: organization, owner: owner, key: key)
        }
    }

    /// Adds a person to an organization, or makes a member an owner; what somebody is already, they stay.
    ///
    /// - Throws: `.invalidRequest` when there is no such organization.
    package func add(_ person: Person, to organization: String, isOwner: Bool) async throws -> Record {
        let now = time.now().truncatedToMilliseconds
        return try await database.write { connection in
            guard let organizationID = try accounts.organizationID(named: organization, on: connection) else {
                throw Failure(
                    .invalidRequest,
                    "There is no organization of that name; `witan organizations list` shows those that are there."
                )
            }
            let account = try join(person, organizationID, isOwner: isOwner, at: now, on: connection)
            return try record(account.userID, users, for: .commandLine(account), on: connection)
        }
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
        try await database.read { [accounts] in try accounts.account(userID: userID, on: $0) }.map(Caller.commandLine)
    }

    private func join(
        _ person: Person,
        _ organizationID: ObjectID,
        isOwner: Bool,
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) -> Account {
        let existing = try accounts.account(email: person.email, on: connection)
        let userID = existing?.userID ?? ids.next()
        if existing == nil {
            try accounts.insertUser(
                userID,
                email: person.email,
                givenName: person.givenName,
                familyName: person.familyName,
                at: now,
                on: connection
            )
        }
        let membership = existing?.memberships.first { $0.organizationID == organizationID }
        let isChange = membership == nil || (isOwner && membership?.isOwner == false)
        if membership == nil {
            try accounts.insertMember(
                userID: userID,
                organizationID: organizationID,
                isOwner: isOwner,
                at: now,
                on: connection
            )
        } else if isChange {
            try accounts.promoteMember(userID: userID, organizationID: organizationID, on: connection)
        }
        guard let account = try accounts.account(userID: userID, on: connection) else {
            throw .bug("A person who was just written cannot be read")
        }
        if isChange {
            let caller = Caller.commandLine(account)
            let user = try record(userID, users, for: caller, on: connection)
            let operation: Resource.Operation = existing == nil ? .create : .patch
            try audit.append(operation, UserResource.resource, user, organizationID, caller, on: connection)
        }
        return account
    }

    private func record(
        _ id: ObjectID,
        _ store: ResourceStore,
        for caller: Caller,
        on connection: any SQLConnection
    ) throws(Failure) -> Record {
        guard let record = try store.get(id, for: caller.identity.viewer(), on: connection) else {
            throw .bug("A \(store.resource.name) that was just written cannot be read")
        }
        return record
    }
}
