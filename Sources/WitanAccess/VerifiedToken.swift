package import WitanCore

/// What a token says, after all checks.
package struct VerifiedToken: Sendable, Hashable {
    /// The issuer (`iss`).
    package let issuer: String

    /// Who it is about (`sub`), unique within the issuer.
    package let subject: String

    /// The user's address, from the claim that the issuer is configured with; `nil` when the token has none, or says
    /// that it is not verified.
    package let email: String?

    /// The token's own id (`jti`).
    package let tokenID: String?

    /// When it was issued (`iat`).
    package let issuedAt: Timestamp?

    /// From when on it is worth nothing (`exp`).
    package let expiresAt: Timestamp

    /// The user that the server's own session is for; `nil` for an outside issuer's token.
    package let sessionUserID: ObjectID?

    /// Whether the server issued it itself.
    package var isOwnSession: Bool { sessionUserID != nil }
}
