import Crypto
package import WitanCore

/// Checks JSON Web Tokens (design: key service, section 4; RFC 7519; RFC 8725).
///
/// A token's `iss` picks the issuer before anything else is believed, and the issuer's own keys are the only ones that
/// are tried: an outside issuer cannot sign for the server, nor the server for an outside issuer. Checking is
/// computation alone, unless the token names a `kid` that its issuer's keys have not shown yet.
package struct TokenVerifier: Sendable {
    private let issuers: [TrustedIssuer]
    private let time: TimeSource
    private let limits: Limits
    private let leeway: Duration
    private let cache: VerifiedTokenCache

    /// Takes the issuers to trust, each name once.
    ///
    /// `leeway` is how far a token's `nbf` and `iat` may lie in the future.
    package init(
        issuers: [TrustedIssuer],
        time: TimeSource,
        limits: Limits = Limits(),
        leeway: Duration = .seconds(60)
    ) throws(Failure) {
        for (position, issuer) in issuers.enumerated() {
            guard !issuers[..<position].contains(where: { $0.name == issuer.name }) else {
                throw .invalidSetting(
                    "An issuer",
                    "must not be given twice, nor have the name under which this server issues tokens itself"
                )
            }
        }
        self.issuers = issuers
        self.time = time
        self.limits = limits
        self.leeway = leeway
        cache = VerifiedTokenCache(capacity: limits.cachedCredentials)
    }

    /// Checks a token and gives what it says.
    ///
    /// Fails with `.unauthenticated`, where `Failure.tokenRefusal` has the reason, and with `.unavailable` when there
    /// are no keys to check with.
    package func verify(_ token: String) async throws(Failure) -> VerifiedToken {
        guard token.utf8.count <= limits.credentialBytes else { throw .refused(.tooLong) }
        let bytes = Array(token.utf8)
        let digest = SHA256.hash(data: bytes)
        if let known = cache.token(for: digest, now: time.now()) { return known }

        let parts = try CompactToken(bytes)
        guard let issuer = issuer(named: parts.issuer) else { throw .refused(.issuer) }
        let keySet = try await issuer.keys.keySet(for: parts.keyID)
        guard let key = keySet.key(id: parts.keyID, for: parts.algorithm) else { throw .refused(.key) }
        guard key.isValidSignature(parts.signature, of: parts.signingInput) else { throw .refused(.signature) }

        let now = time.now()
        let verified = try VerifiedToken(claims: parts.claims, issuer: issuer, now: now, leeway: leeway)
        cache.insert(verified, for: digest, keySet: keySet, from: issuer.keys, now: now)
        return verified
    }

    private func issuer(named name: String?) -> TrustedIssuer? {
        guard let name else { return nil }
        return issuers.first { $0.name.utf8.elementsEqual(name.utf8) }
    }
}
