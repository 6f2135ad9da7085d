import Synchronization
package import WitanAccess
package import WitanCluster
package import WitanCore
package import WitanStorage

/// Answers who may do what (design: access control, section 2), from memory when it was asked before.
///
/// Permissions are compiled for each user and organization, and for each user and object with grants of its own. A
/// change is written down once, whatever depends on it, and what does is compiled anew when it is asked for.
package struct AccessControl: Sendable {
    private let database: any SQLDatabase
    private let store = AccessStore()
    private let accounts = AccountStore()
    private let credentialStore = CredentialStore()
    private let sessions = SessionStore()
    private let history: AccessHistory
    private let standings: DependentCache<Place, Standing>
    private let objects: DependentCache<Place, ObjectStanding>
    private let credentials: CredentialCache<Identity>
    private let cluster: Cluster
    private let time: TimeSource
    private let underWay = UnderWay()

    /// A user and an organization or an object.
    private struct Place: Hashable, Sendable {
        let userID: ObjectID
        let id: ObjectID
    }

    /// Takes where grants are, the cache of credentials that rest on memberships, the other servers, and the clock that
    /// credentials run out by.
    package init(
        database: any SQLDatabase,
        credentials: CredentialCache<Identity>,
        cluster: Cluster,
        time: TimeSource,
        limits: Limits = Limits()
    ) {
        self.database = database
        self.credentials = credentials
        self.cluster = cluster
        self.time = time
        history = AccessHistory()
        standings = DependentCache(capacity: limits.cachedPermissions, history: history)
        objects = DependentCache(capacity: limits.cachedPermissions, history: history)
    }

    /// What an identity may do in each of its organizations.
    package func access(for identity: Identity) async throws -> Access {
        let token = objects.beginFill()
        var standings: [Standing] = []
        standings.reserveCapacity(identity.memberships.count)
        for membership in identity.memberships {
            standings.append(try await standing(of: identity.userID, in: membership.organizationID))
        }
        return Access(identity: identity, standings: standings, control: self, token: token)
    }

    /// The same as the transaction of a change sees it, which is not kept.
    ///
    /// A change is judged by what holds in its own place among the changes: whoever was removed, or lost a right, in one
    /// before it is refused, though their request had been let in already. With `ownOnly` no permissions are compiled,
    /// for what takes none.
    ///
    /// - Throws: `.unauthenticated` when the credential was deleted, was given another secret, or has run out, and
    ///   `.forbidden` when the caller may no longer act as the user.
    package func access(
        for identity: Identity,
        ownOnly: Bool = false,
        on connection: any SQLConnection
    ) throws(Failure) -> Access {
        let identity = try present(identity, on: connection)
        var standings: [Standing] = []
        for membership in identity.memberships where !ownOnly {
            standings.append(
                try Self.standing(of: identity.userID, in: membership.organizationID, store, on: connection)
            )
        }
        return Access(identity: identity, standings: standings, control: self, token: objects.beginFill())
    }

    /// The identity with the organizations that it is still in, and from which nobody removes it before the transaction
    /// ends; a key's or a token's is in its one as long as it is good.
    private func present(_ identity: Identity, on connection: any SQLConnection) throws(Failure) -> Identity {
        let now = time.now()
        if let id = identity.keyID, identity.authentication == .browser {
            guard try sessions.beginning(of: id, at: now, on: connection) != nil else { throw .invalidCredential }
        } else if let id = identity.keyID {
            let kind: CredentialStore.Kind = identity.authentication == .serviceToken ? .serviceToken : .apiKey
            guard let digest = try credentialStore.digest(ofGood: kind, id, at: now, on: connection),
                identity.isSecret(of: digest)
            else { throw .invalidCredential }
            if identity.impersonator == nil { return identity }
        } else if let end = identity.expiresAt, end <= now {
            throw .invalidCredential
        }
        var memberships: [Account.Membership] = []
        for membership in identity.memberships {
            let isMember = try accounts.keepMember(
                userID: identity.userID,
                organizationID: membership.organizationID,
                on: connection
            )
            if isMember { memberships.append(membership) }
        }
        if let owner = identity.impersonator {
            for membership in try accounts.account(userID: identity.userID, on: connection)?.memberships ?? [] {
                guard try owns(membership.organizationID, owner.userID, on: connection) else {
                    throw .impersonationRefused
                }
            }
        }
        return identity.within(memberships)
    }

    private func owns(
        _ organizationID: ObjectID,
        _ userID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> Bool {
        guard try accounts.isMember(userID: userID, organizationID: organizationID, on: connection) else {
            return false
        }
        return try Self.standing(of: userID, in: organizationID, store, on: connection).isOwner
    }

    /// What a user holds over everything in an organization; they must be in it.
    package func standing(of userID: ObjectID, in organizationID: ObjectID) async throws -> Standing {
        let place = Place(userID: userID, id: organizationID)
        if let standing = cluster.lease.guarding({ standings.lookup(place) }) { return standing }
        let token = standings.beginFill()
        let standing = try await database.read { [store] connection in
            try Self.standing(of: userID, in: organizationID, store, on: connection)
        }
        standings.fill(token, for: place, with: standing)
        return standing
    }

    /// Runs the transaction of a change, and makes the caches of all servers forget what it made wrong before anybody is
    /// answered.
    ///
    /// `body` notes in its second parameter what it has changed; a change of nothing that is cached waits for nobody. One
    /// that finds its work done, and is refused for that or not, waits for the change that did it. When a commit fails,
    /// nobody can tell whether it is on the disk all the same: the caches of this server forget in that case too, which
    /// harms nobody, and those of others are told if it is.
    ///
    /// - Throws: what `body` throws, and what the database does; `CancellationError` also after the commit.
    package func commit<Value: Sendable>(
        _ concurrency: WriteConcurrency = .alone,
        _ body: @escaping @Sendable (any SQLConnection, inout AccessChanges) throws -> Value
    ) async throws -> Value {
        let note = Note()
        let value: Value
        do {
            // Forgotten before anything else is done, the wait for others among it.
            defer {
                apply(note.content.withLock(\.events))
                underWay.end(note)
            }
            value = try await database.write(concurrency) { [store = cluster.store] connection in
                var changes = AccessChanges()
                var number: ChangeNumber?
                defer { note.content.withLock { $0 = Note.Content(changes, number) } }
                let value = try body(connection, &changes)
                let events = changes.events
                if !events.isEmpty { number = store.append(events, on: connection) }
                underWay.begin(note)
                return value
            }
        } catch  where note.content.withLock(\.wasDoneBefore) {
            try await waitForEarlierChanges()
            throw error
        }
        let content = note.content.withLock(\.self)
        if let number = content.number {
            guard let sequence = number.value else { throw Failure.bug("A change was committed without a number") }
            // What was done before, by another server perhaps, is not among what this one has forgotten.
            try await cluster.waiter?.wait(for: sequence, isOwn: !content.wasDoneBefore)
            if content.wasDoneBefore { await underWay.waitUntilForgotten() }
            ChangeReceipt.current?.note(sequence)
        } else if content.wasDoneBefore {
            try await waitForEarlierChanges()
        }
        return value
    }

    /// Returns when no server, this one among them, uses what was made wrong by any change that is committed.
    package func waitForEarlierChanges() async throws {
        await underWay.waitUntilForgotten()
        guard let waiter = cluster.waiter else { return }
        let sequence = try await database.read { [store = cluster.store] in try store.clock(on: $0) }
        try await waiter.wait(for: sequence, isOwn: false)
    }

    /// The changes of this process that may be committed, and that its caches may not have forgotten yet.
    private final class UnderWay: Sendable {
        private let changes = Mutex<[ObjectIdentifier: OneTimeEvent]>([:])

        /// Must be called by the transaction: one that waits for its turn has done nothing that others could find.
        func begin(_ note: Note) {
            changes.withLock { changes in
                guard !note.isOver.load(ordering: .relaxed), changes[ObjectIdentifier(note)] == nil else { return }
                changes[ObjectIdentifier(note)] = OneTimeEvent()
            }
        }

        func end(_ note: Note) {
            changes.withLock { changes in
                note.isOver.store(true, ordering: .relaxed)
                return changes.removeValue(forKey: ObjectIdentifier(note))
            }?
            .happen()
        }

        /// Waits for those that are there now.
        func waitUntilForgotten() async {
            for change in changes.withLock({ Array($0.values) }) { await change.waitUntilHappened() }
        }
    }

    /// What the last run of a transaction has changed.
    private final class Note: Sendable {
        struct Content {
            let events: [ClusterEvent]
            let wasDoneBefore: Bool
            let number: ChangeNumber?

            init(_ changes: AccessChanges, _ number: ChangeNumber?) {
                events = changes.events
                wasDoneBefore = changes.wasDoneBefore
                self.number = number
            }
        }

        let content = Mutex(Content(AccessChanges(), nil))

        /// Whether nobody waits for the transaction any more, which may go on all the same.
        let isOver = Atomic(false)
    }

    /// Makes this server's caches forget what a change, its own or another server's, has made wrong.
    package func apply(_ events: [ClusterEvent]) {
        ClusterEvent.apply(events, to: credentials, history)
    }

    /// Compiles a standing from the database.
    static func standing(
        of userID: ObjectID,
        in organizationID: ObjectID,
        _ store: AccessStore,
        on connection: any SQLConnection
    ) throws(Failure) -> Standing {
        let groups = try store.groups(of: userID, in: organizationID, on: connection)
        let grants = try store.grants(on: [organizationID], to: userID, groups, on: connection)
        return Standing(
            userID: userID,
            organizationID: organizationID,
            groups: groups,
            grants: grants,
            roles: try permissions(of: grants, store, on: connection)
        )
    }

    static func permissions(
        of grants: [StoredGrant],
        _ store: AccessStore,
        on connection: any SQLConnection
    ) throws(Failure) -> RolePermissions {
        let roles = Set(grants.compactMap(\.roleID))
        return RolePermissions(roles.isEmpty ? [] : try store.permissions(of: Array(roles), on: connection))
    }

    /// What a user was granted on an object itself.
    ///
    /// With `token`, from a time before the snapshot that `connection` reads, what is known is not read again, and the
    /// answer is kept. A transaction that writes gives none: what is known may be older than it, and it sees what others
    /// of its group wrote, which may yet be undone.
    func matrix(
        of userID: ObjectID,
        _ groups: [ObjectID],
        on object: AccessObject,
        keeping token: FillToken?,
        on connection: any SQLConnection
    ) throws(Failure) -> PermissionMatrix {
        let place = Place(userID: userID, id: object.id)
        if token != nil, let standing = cluster.lease.guarding({ objects.lookup(place) }) { return standing.matrix }
        let grants = try store.grants(on: [object.id], to: userID, groups, on: connection)
            .filter { $0.object.type == object.type }
        let standing = ObjectStanding(
            userID: userID,
            groups: groups,
            objects: [object.id],
            grants: grants,
            roles: try Self.permissions(of: grants, store, on: connection)
        )
        if let token { objects.fill(token, for: place, with: standing) }
        return standing.matrix
    }
}
