package import WitanCore
import WitanJSON

/// Issues the server's own sessions, which are JSON Web Tokens (design: key service, section 4).
package struct SessionTokenIssuer: Sendable {
    /// What a `TokenVerifier` needs to accept the tokens.
    package let trusted: TrustedIssuer

    private let key: SigningKey
    private let time: TimeSource
    private let random: RandomSource
    private let limits: Limits

    /// Takes the key, and the texts of `iss` (the public URL, or a fixed name) and `aud`.
    package init(
        key: SigningKey,
        issuer: String,
        audience: String,
        time: TimeSource,
        random: RandomSource,
        limits: Limits = Limits()
    ) throws(Failure) {
        trusted = try TrustedIssuer(name: issuer, audience: audience, keys: key.publicKeySet, isOwn: true)
        self.key = key
        self.time = time
        self.random = random
        self.limits = limits
    }

    /// Issues a token that is good from now on for `lifetime`, of which whole seconds count.
    ///
    /// `suffix` is what stands behind the random part of the token's own id, after a point.
    package func issue(
        userID: ObjectID,
        email: String,
        name: String? = nil,
        suffix: String? = nil,
        lifetime: Duration
    ) throws(Failure) -> SessionToken {
        guard lifetime >= .seconds(1) else {
            throw .invalidSetting("A session's lifetime", "must be at least one second")
        }
        var random = random
        let id = Base64URL.encode(random.bytes(16)) + (suffix.map { ".\($0)" } ?? "")
        let issuedAt = time.now().seconds
        let expiresAt = issuedAt + lifetime.components.seconds
        var claims: JSONObject = [
            "iss": .string(trusted.name),
            "aud": .string(trusted.audience),
            "sub": .string(userID.description),
            "email": .string(email),
            "iat": .number(JSONNumber(issuedAt)),
            "exp": .number(JSONNumber(expiresAt)),
            "jti": .string(id),
        ]
        if let name { claims.append("name", .string(name)) }
        let text = try key.sign(claims)
        guard text.utf8.count <= limits.credentialBytes else {
            throw .invalidSetting(
                "The user's name",
                "must be short enough for a token of \(limits.credentialBytes) bytes"
            )
        }
        return SessionToken(text: text, id: id, expiresAt: Timestamp(seconds: expiresAt))
    }
}
