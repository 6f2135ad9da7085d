package import Logging
package import WitanAccess
package import WitanCluster
package import WitanCore
package import WitanStorage
package import WitanTelemetry

/// Turns a credential into who it acts for (design: key service, section 4).
///
/// A credential that was seen before is answered from memory. Another costs one read; keys with a wrong checksum, none.
package struct Authenticator: Sendable {
    private let database: any SQLDatabase
    private let peppers: Peppers
    private let tokens: TokenVerifier
    private let failures: RateLimiter<String>
    private let metrics: ServerMetrics
    private let lease: CacheLease
    private let time: TimeSource
    private let logger: Logger
    private let credentials = CredentialStore()
    private let sessions = SessionStore()
    private let accounts = AccountStore()

    /// The credentials that were verified; whoever deletes or changes what they rest on empties their places in it.
    package let cache: CredentialCache<Identity>

    /// How long a token is believed without looking at its issuer's keys again.
    private static let tokenTrust = Duration.seconds(60)

    /// Takes what credentials are checked with.
    ///
    /// `failures` limits the failed authentications of a client address; `lease` says whether `cache` may be used.
    package init(
        database: any SQLDatabase,
        peppers: Peppers,
        tokens: TokenVerifier,
        failures: RateLimiter<String>,
        cache: CredentialCache<Identity>,
        lease: CacheLease,
        metrics: ServerMetrics,
        time: TimeSource,
        logger: Logger
    ) {
        self.database = database
        self.peppers = peppers
        self.tokens = tokens
        self.failures = failures
        self.cache = cache
        self.lease = lease
        self.metrics = metrics
        self.time = time
        self.logger = logger
    }

    /// Where a credential was sent: a browser's session is none for the API, and nothing else is one for the pages.
    package enum Place: Sendable {
        /// In a header of a call of the API.
        case api
        /// In a browser's cookie.
        case browser

        fileprivate func takes(_ identity: Identity) -> Bool {
            (identity.authentication == .browser) == (self == .browser)
        }
    }

    /// Who the credential acts for.
    ///
    /// `address` is the client's, as the limit of failed authentications counts it.
    ///
    /// - Throws: `.unauthenticated` with one text for every credential that is not good, `.rateLimited` for an address
    ///   with too many of them, `.unavailable` when it cannot be checked just now.
    package func authenticate(
        _ credential: String,
        sentIn place: Place = .api,
        from address: @autoclosure () -> String
    ) async throws -> Identity {
        let digest = CredentialDigest(of: credential)
        if let identity = lease.guarding({ cache.lookup(digest) }), place.takes(identity) {
            if (identity.believedUntil ?? identity.expiresAt).map({ time.now() < $0 }) ?? true {
                metrics.keyChecks[.cached].increment()
                return identity
            }
            cache.remove(digest)
        }
        let address = address()
        let allowance = failures.peek(address)
        guard allowance.isAllowed else {
            metrics.rateLimited[.address].increment()
            throw RateLimitRefusal.failure(allowance, of: "without a valid credential from your address")
        }
        do {
            let identity = try await load(credential, digest, place)
            metrics.keyChecks[.loaded].increment()
            return identity
        } catch let refusal as Refusal {
            metrics.keyChecks[refusal.outcome].increment()
            failures.record(address)
            throw Failure.invalidCredential
        } catch let failure as Failure where failure.code == .unavailable {
            metrics.keyChecks[.unavailable].increment()
            throw failure
        }
    }

    private func load(_ credential: String, _ digest: CredentialDigest, _ place: Place) async throws -> Identity {
        let token = cache.beginFill(digest)
        let identity: Identity
        if let secret = Secret(parsing: credential) {
            guard (secret.kind == .session) == (place == .browser) else { throw Refusal(.malformed) }
            identity =
                switch secret.kind {
                case .apiKey: try await keyIdentity(secret, .apiKey)
                case .serviceToken: try await keyIdentity(secret, .serviceToken)
                case .session: try await sessionIdentity(secret)
                }
        } else if credential.contains("."), place == .api {
            identity = try await tokenIdentity(credential)
        } else {
            throw Refusal(.malformed)
        }
        cache.fill(token, with: identity)
        return identity
    }

    // MARK: Keys

    private func keyIdentity(_ secret: Secret, _ kind: CredentialStore.Kind) async throws -> Identity {
        let candidates = peppers.candidates(secret.digest)
        let found = try await database.read { [credentials, accounts] connection in
            for (version, digest) in candidates {
                guard let key = try credentials.key(kind, digest: digest.bytes, on: connection),
                    let stored = StoredDigest(bytes: key.digest), stored.isEqual(to: digest)
                else { continue }
                let account = try accounts.account(userID: key.userID, on: connection)
                return account.map { (key: key, version: version, account: $0) }
            }
            return nil
        }
        guard let (key, version, account) = found else { throw Refusal(.unknown) }
        guard key.expiresAt.map({ time.now() < $0 }) ?? true else { throw Refusal(.expired) }
        let memberships = account.memberships.filter { $0.organizationID == key.organizationID }
        guard !memberships.isEmpty else { throw Refusal(.orphaned) }
        if version != peppers.newest { await moveToNewestPepper(key, digest: secret.digest) }
        return Identity(
            account: account,
            memberships: memberships,
            authentication: kind == .apiKey ? .apiKey : .serviceToken,
            keyID: key.id,
            expiresAt: key.expiresAt,
            digests: kind == .serviceToken ? candidates.map(\.digest) : []
        )
    }

    /// A failure here harms nobody: the key stays good under its old pepper and is moved at its next use.
    private func moveToNewestPepper(_ key: CredentialStore.StoredKey, digest: CredentialDigest) async {
        guard let newest = peppers.digest(digest, version: peppers.newest) else { return }
        do {
            try await database.write(.concurrent) { [credentials, version = peppers.newest] connection in
                try credentials.replaceDigest(of: key, by: newest.bytes, pepperVersion: version, on: connection)
            }
        } catch {
            logger.warning("A key could not be moved to the newest pepper.", error: error)
        }
    }

    // MARK: Sessions

    /// A session acts in all organizations of its person; leaving one ends it (`MemberService`).
    private func sessionIdentity(_ secret: Secret) async throws -> Identity {
        let candidates = peppers.candidates(secret.digest)
        let found = try await database.read { [sessions, accounts] connection in
            for (_, digest) in candidates {
                guard let (session, bytes) = try sessions.session(digest: digest.bytes, on: connection),
                    let stored = StoredDigest(bytes: bytes), stored.isEqual(to: digest)
                else { continue }
                return try accounts.account(userID: session.userID, on: connection).map { (session, $0) }
            }
            return nil
        }
        guard let (session, account) = found else { throw Refusal(.unknown) }
        guard time.now() < session.expiresAt else { throw Refusal(.expired) }
        guard !account.isServiceAccount else { throw Refusal(.orphaned) }
        return Identity(
            account: account,
            memberships: account.memberships,
            authentication: .browser,
            keyID: session.id,
            expiresAt: session.expiresAt
        )
    }

    // MARK: Tokens

    private func tokenIdentity(_ text: String) async throws -> Identity {
        let token: VerifiedToken
        do {
            token = try await tokens.verify(text)
        } catch {
            guard let refusal = error.tokenRefusal else { throw error }
            switch refusal {
            case .expired: throw Refusal(.expired)
            case .malformed, .tooLong, .header: throw Refusal(.malformed)
            default: throw Refusal(.unknown)
            }
        }
        let account = try await database.read { [accounts] connection in
            if let userID = token.sessionUserID { return try accounts.account(userID: userID, on: connection) }
            return try token.email.flatMap { try accounts.account(email: $0, on: connection) }
        }
        guard let account else { throw Refusal(.unknown) }
        // Removing somebody ends their sessions: one from before they came back is not good for where they came back to.
        // A token's time has no parts of a second.
        let memberships = account.memberships.filter { membership in
            guard token.isOwnSession, let issuedAt = token.issuedAt else { return true }
            return membership.since.seconds <= issuedAt.seconds
        }
        // An outside issuer that knows a service account's address does not get to act as it.
        guard !memberships.isEmpty, !account.isServiceAccount else { throw Refusal(.orphaned) }
        return Identity(
            account: account,
            memberships: memberships,
            authentication: token.isOwnSession ? .session : .token,
            expiresAt: token.expiresAt,
            believedUntil: min(token.expiresAt, time.now().advanced(by: Self.tokenTrust))
        )
    }
}

/// Why a credential is not good: counted, never told.
private struct Refusal: Error {
    let outcome: KeyCheckOutcome

    init(_ outcome: KeyCheckOutcome) {
        self.outcome = outcome
    }
}

extension Failure {
    /// The one text for every credential that is not good (design: key service, section 2).
    package static let invalidCredential = Failure(
        .unauthenticated,
        "The credential is malformed, unknown, expired or revoked; send a valid API key as `Authorization: Bearer …`."
    )

    /// The text for a request without a credential.
    package static let missingCredential = Failure(
        .unauthenticated,
        "This call needs a credential; send an API key as `Authorization: Bearer …`."
    )
}
