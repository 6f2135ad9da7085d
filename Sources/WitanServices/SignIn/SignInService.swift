package import WitanAccess
package import WitanCore
import WitanJSON
package import WitanStorage

/// Begins and ends people's sessions in browsers (ADR 0018).
///
/// A session is a random secret in a cookie, of which the database has a digest under the pepper, as of a key's. It is
/// checked by `Authenticator`, kept in the same cache, and refused by every server before its end is answered.
package struct SignInService: Sendable {
    /// A session that has begun.
    package struct Begun: Sendable {
        /// What the browser has to send.
        package let secret: Secret

        /// When it ends by itself.
        package let expiresAt: Timestamp
    }

    /// How long a session lasts.
    package static let lifetime = Duration.seconds(12 * 3_600)

    /// The links that sign in once.
    package let links: SignInLinks

    private let database: any SQLDatabase
    private let accessControl: AccessControl
    private let audit: AuditLog
    private let peppers: Peppers
    private let hasher: PasswordHasher
    private let addresses: RateLimiter<String>
    private let accountNames: RateLimiter<String>
    private let ids: ObjectIDGenerator
    private let time: TimeSource
    private let random: RandomSource
    private let limits: Limits
    private let accounts = AccountStore()
    private let sessionStore = SessionStore()
    private let store = SignInStore()

    /// Takes what it works with.
    package init(
        database: any SQLDatabase,
        accessControl: AccessControl,
        audit: AuditLog,
        secrets: ServerSecrets,
        share: RateLimitShare,
        ids: ObjectIDGenerator,
        time: TimeSource,
        random: RandomSource,
        limits: Limits = Limits()
    ) throws(Failure) {
        self.database = database
        self.accessControl = accessControl
        self.audit = audit
        peppers = secrets.peppers
        hasher = PasswordHasher(random: random, limits: limits)
        links = try SignInLinks(secrets: secrets, time: time, random: random)
        addresses = RateLimiter(
            limit: limits.failedSignInsOfAddress,
            share: share,
            capacity: limits.rateLimiters,
            time: time,
            name: "sign-in-address"
        )
        accountNames = RateLimiter(
            limit: limits.failedSignInsOfAccount,
            share: share,
            capacity: limits.rateLimiters,
            time: time,
            name: "sign-in-account"
        )
        self.ids = ids
        self.time = time
        self.random = random
        self.limits = limits
    }

    // MARK: Beginning

    /// Signs in by a password.
    ///
    /// An address that nobody has takes the same work and gets the same answer as a wrong password. What is told of a
    /// failure is written later, so that it takes no time here.
    ///
    /// - Throws: `.unauthenticated` with one text for whatever is wrong, `.rateLimited` for an address or an account with
    ///   too many failures, `.unavailable` when too many sign in at once.
    package func signIn(email: String, password: String, from origin: RequestOrigin) async throws -> Begun {
        // What is no address, nobody has: all such texts count as one, however long they are.
        let name = EmailAddress.isPlausible(email) ? AccountStore.normalized(email) : ""
        return try await attempt(origin, name) {
            let found = try await database.read { [accounts, store] connection in
                let account = try accounts.account(email: name, on: connection)
                let hash = try store.passwordHash(email: name, on: connection)
                return (account: account, text: hash, hash: hash.flatMap { PasswordHash(text: $0) })
            }
            let isPlausible = password.utf8.count <= PasswordHash.mostBytes
            let isRight = try await hasher.isRight(
                isPlausible ? password : "",
                for: isPlausible ? found.hash : nil,
                from: asker(origin, name)
            )
            guard isRight, let account = found.account, !account.isServiceAccount else {
                await recordFailure(.password, of: found.account, from: origin)
                throw Failure.wrongPassword
            }
            return try await begin(.password, for: account.userID, from: origin, verified: found.text)
        }
    }

    /// The path and query of a new link that signs a person in once, to be put after the server's address.
    ///
    /// Making one writes nothing. It is worth nothing once the person has another password, is signed out everywhere, or
    /// is removed from an organization.
    package func makeLink(for userID: ObjectID, email: String) async throws -> String {
        let generation = try await database.read { [store] in try store.linkGeneration(of: userID, on: $0) }
        return try links.make(for: userID, email: email, generation: generation)
    }

    /// Signs in by a link, which works no second time.
    ///
    /// - Throws: `.unauthenticated` for one that is not good.
    package func signIn(link token: String, from origin: RequestOrigin) async throws -> Begun {
        try await attempt(origin) {
            let link = try await links.read(token)
            do {
                return try await begin(.link, for: link.userID, from: origin, using: link)
            } catch let failure as Failure where failure.code == .unauthenticated {
                // Whom the link is for is only of use to the log: the refusal stands without it.
                let account = try? await database.read { [accounts] in
                    try accounts.account(userID: link.userID, on: $0)
                }
                await recordFailure(.link, of: account, from: origin)
                throw failure
            }
        }
    }

    /// Signs in whoever a provider of OpenID Connect says has the verified address that `verify` gives.
    ///
    /// - Throws: what `verify` throws, `.unauthenticated` when nobody of that address is in an organization, and
    ///   `.rateLimited` after too many failures from an address: each asks the provider.
    package func signIn(
        from origin: RequestOrigin,
        verifiedEmail verify: () async throws -> String
    ) async throws -> Begun {
        try await attempt(origin) {
            let email = try await TransactionDeadline.postponed(during: verify)
            let account = try await database.read { [accounts] in try accounts.account(email: email, on: $0) }
            guard let account, !account.isServiceAccount, !account.memberships.isEmpty else {
                await recordFailure(.openID, of: account, from: origin)
                throw Failure(
                    .unauthenticated,
                    """
                    You have signed in at the provider, but nobody with your address is in an organization here; ask an \
                    owner of one to invite you.
                    """
                )
            }
            return try await begin(.openID, for: account.userID, from: origin)
        }
    }

    private func begin(
        _ method: SessionStore.Method,
        for userID: ObjectID,
        from origin: RequestOrigin,
        using link: SignInLinks.Link? = nil,
        verified hash: String? = nil
    ) async throws -> Begun {
        var random = random
        let secret = Secret.generate(.session, using: &random)
        guard let digest = peppers.digest(secret.digest, version: peppers.newest) else {
            throw Failure.bug("The newest pepper is missing")
        }
        let now = time.now().truncatedToMilliseconds
        let session = SessionStore.Session(
            id: ids.next(),
            userID: userID,
            method: method,
            clientAddress: origin.clientAddress,
            userAgent: origin.userAgent.map { String($0.prefix(limits.userAgentCharacters)) },
            created: now,
            expiresAt: now.advanced(by: Self.lifetime)
        )
        // Alone among the changes: nobody is removed between the look at their memberships and the commit.
        try await accessControl.commit { connection, changes in
            // A password that was changed while it was checked is worth nothing any more.
            if let hash {
                guard try store.passwordHash(of: userID, on: connection) == hash else { throw Failure.wrongPassword }
            }
            if let link {
                let generation = try store.linkGeneration(of: userID, on: connection)
                guard generation == nil || generation == link.generation,
                    try store.useLink(link.id, expiresAt: link.expiresAt, on: connection)
                else { throw Failure.usedSignInLink }
            }
            guard let account = try accounts.account(userID: userID, on: connection), !account.isServiceAccount,
                !account.memberships.isEmpty
            else {
                throw Failure(.forbidden, "You are in no organization; ask an owner of one to invite you.")
            }
            let others = try sessionStore.sessions(of: userID, at: now, limit: .max, on: connection)
            for old in others.dropFirst(limits.sessionsOfPerson - 1)
            where try sessionStore.delete(old.id, of: userID, on: connection) {
                changes.revokedCredentials.append(old.id)
            }
            try sessionStore.insert(
                session,
                digest: digest.bytes,
                pepperVersion: peppers.newest,
                on: connection
            )
            let identity = Identity(
                account: account,
                memberships: account.memberships,
                authentication: .browser,
                keyID: session.id
            )
            try audit.appendSession(
                "created",
                session.id,
                of: account,
                by: Caller(identity: identity, origin: origin),
                details: ["method": .string(method.rawValue)],
                on: connection
            )
        }
        return Begun(secret: secret, expiresAt: session.expiresAt)
    }

    // MARK: Sessions

    /// A person's sessions that have not ended, newest first.
    package func sessions(of userID: ObjectID) async throws -> [SessionStore.Session] {
        let now = time.now()
        return try await database.read { [sessionStore, limits] connection in
            try sessionStore.sessions(of: userID, at: now, limit: limits.listedSessions, on: connection)
        }
    }

    /// Ends sessions of the caller's person: one, or all but one and every link that was made for them.
    ///
    /// When this returns, no server accepts them.
    ///
    /// - Throws: `.notFound` when the person has no session of that id.
    package func end(_ which: Which, for caller: Caller) async throws {
        let account = caller.identity.account
        try await accessControl.commit { connection, changes in
            try requireSession(of: caller, on: connection)
            let ended: [ObjectID]
            switch which {
            case .one(let id):
                guard try sessionStore.delete(id, of: account.userID, on: connection) else {
                    changes.wasDoneBefore = true
                    throw Failure(.notFound, "There is no such session; it may have ended already.")
                }
                ended = [id]
            case .allBut(let kept):
                ended = try sessionStore.deleteAll(of: account.userID, except: kept, on: connection)
                changes.wasDoneBefore = true
                try endLinks(of: account.userID, on: connection)
            }
            changes.revokedCredentials += ended
            for id in ended {
                try audit.appendSession("deleted", id, of: account, by: caller, on: connection)
            }
        }
    }

    /// Returns when no server accepts a session whose end was found.
    package func waitForEnds() async throws {
        try await accessControl.waitForEarlierChanges()
    }

    /// Which sessions are meant.
    package enum Which: Sendable {
        /// The one of that id.
        case one(ObjectID)
        /// All of the person's, but for one that is kept if any.
        case allBut(ObjectID?)
    }

    // MARK: Passwords

    /// Whether the person has a password.
    package func hasPassword(_ userID: ObjectID) async throws -> Bool {
        try await database.read { [store] in try store.passwordHash(of: userID, on: $0) != nil }
    }

    /// Whether the caller may set a first password: they have signed in within `Limits.recentSignInDuration`.
    package func hasSignedInRecently(_ caller: Caller) async throws -> Bool {
        guard let id = caller.identity.keyID, caller.identity.authentication == .browser else { return false }
        let now = time.now()
        let beginning = try await database.read { [sessionStore] in
            try sessionStore.beginning(of: id, at: now, on: $0)
        }
        return beginning.map { now < $0.advanced(by: limits.recentSignInDuration) } ?? false
    }

    /// Gives the caller's person a password, and ends their other sessions and the links that were made for them.
    ///
    /// In a browser whoever has a password must know it, and whoever has none must have signed in recently: an unattended
    /// screen is not enough. Neither is asked for on the command line.
    ///
    /// - Throws: `.invalidRequest` for a password that nobody should choose, `.unauthenticated` for a wrong current one
    ///   and for a first one without a recent sign-in, `.rateLimited` after too many wrong ones.
    package func setPassword(_ password: String, current: String?, for caller: Caller) async throws {
        let account = caller.identity.account
        guard !account.isServiceAccount else {
            throw Failure(.invalidRequest, "A service account has no password; it signs in nowhere.")
        }
        try Failure.checkNewPassword(password)
        let isInBrowser = caller.identity.authentication == .browser
        let stored = try await database.read { [store] in try store.passwordHash(of: account.userID, on: $0) }
        let asker = asker(caller.origin, account.email)
        if isInBrowser, let stored {
            try await attempt(caller.origin, account.email) {
                guard try await hasher.isRight(current ?? "", for: PasswordHash(text: stored), from: asker) else {
                    await recordFailure(.password, of: account, from: caller.origin)
                    throw Failure(.unauthenticated, "The current password is not right.")
                }
            }
        } else if isInBrowser, try await !hasSignedInRecently(caller) {
            throw Failure.staleSignIn
        }
        let hash = try await hasher.hash(password, for: asker)
        let now = time.now().truncatedToMilliseconds
        // Alone: a sign-in by the old password that is under way comes before it, and is ended, or after it, and fails.
        try await accessControl.commit { connection, changes in
            try requireSession(of: caller, on: connection)
            if isInBrowser {
                guard try store.passwordHash(of: account.userID, on: connection) == stored else {
                    throw Failure(.conflict, "The password was changed meanwhile; nothing was done.")
                }
            }
            try store.setPasswordHash(hash.text, of: account.userID, at: now, on: connection)
            let kept = caller.identity.authentication == .browser ? caller.identity.keyID : nil
            changes.revokedCredentials += try sessionStore.deleteAll(
                of: account.userID,
                except: kept,
                on: connection
            )
            changes.wasDoneBefore = true
            try endLinks(of: account.userID, on: connection)
            for membership in account.memberships {
                try audit.append(
                    "password.updated",
                    objectType: "password",
                    objectID: account.userID,
                    objectName: account.email,
                    in: membership.organizationID,
                    by: caller,
                    on: connection
                )
            }
        }
    }

    // MARK: Failures

    /// An attempt to sign in, which counts as a failure until it has succeeded: many at once cannot all pass the limit.
    ///
    /// What is not available now, the server or the provider, is nobody's failure but theirs.
    private func attempt<Value>(
        _ origin: RequestOrigin,
        _ name: String? = nil,
        _ body: () async throws -> Value
    ) async throws -> Value {
        let address = IPAddress.limiterKey(for: origin.clientAddress ?? "")
        let decision = addresses.take(address)
        guard decision.isAllowed else { throw RateLimitRefusal.failure(decision, of: "to sign in") }
        if let name {
            let decision = accountNames.take(name)
            guard decision.isAllowed else { throw RateLimitRefusal.failure(decision, of: "to sign in") }
        }
        func giveBack() {
            addresses.giveBack(address)
            if let name { accountNames.giveBack(name) }
        }
        do {
            let value = try await body()
            giveBack()
            return value
        } catch let failure as Failure where failure.code == .unavailable {
            giveBack()
            throw failure
        }
    }

    private func asker(_ origin: RequestOrigin, _ name: String) -> PasswordHasher.Asker {
        PasswordHasher.Asker(address: IPAddress.limiterKey(for: origin.clientAddress ?? ""), account: name)
    }

    /// Refuses a change by a session that has ended since its request was let in.
    private func requireSession(of caller: Caller, on connection: any SQLConnection) throws(Failure) {
        guard caller.identity.authentication == .browser, let id = caller.identity.keyID else { return }
        guard try sessionStore.beginning(of: id, at: time.now(), on: connection) != nil else {
            throw .invalidCredential
        }
    }

    private func endLinks(of userID: ObjectID, on connection: any SQLConnection) throws(Failure) {
        let lastEnd = time.now().advanced(by: SignInLinks.lifetime)
        try store.endLinks(of: userID, expiringBy: lastEnd, on: connection)
    }

    /// Tells of a failure in the organizations of whom it was about.
    ///
    /// It is written later: an address that nobody has would be answered sooner. Nothing is lost when it cannot be
    /// written: the refusal itself stands.
    private func recordFailure(
        _ method: SessionStore.Method,
        of account: Account?,
        from origin: RequestOrigin
    ) async {
        guard let account else { return }
        let nobody = Caller(
            identity: Identity(account: account, memberships: [], authentication: .none),
            origin: origin
        )
        for membership in account.memberships {
            // The answer must not depend on the log.
            try? await audit.noteRefusal(
                "session.created",
                objectType: "session",
                objectID: account.userID,
                in: membership.organizationID,
                by: nobody,
                details: ["method": .string(method.rawValue)],
                in: database
            )
        }
    }
}

extension Failure {
    /// The one text for everything that is wrong with an address and a password.
    package static let wrongPassword = Failure(.unauthenticated, "The e-mail address or the password is not right.")

    /// For a first password in a session that has lasted for long.
    static let staleSignIn = Failure(
        .unauthenticated,
        """
        A first password can be set only soon after signing in: sign in again, with a link or at the provider, and set \
        it then.
        """
    )
}
