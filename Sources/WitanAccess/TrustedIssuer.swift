package import WitanCore

/// An issuer whose tokens are accepted, with what they must say.
package struct TrustedIssuer: Sendable {
    /// What `iss` must be, byte for byte.
    package let name: String

    /// What `aud` must be or contain, byte for byte.
    package let audience: String

    /// The claim that names the user.
    package let emailClaim: String

    /// Where the issuer's keys come from; no other issuer's token is checked with them.
    package let keys: any KeySource

    /// Whether this is the server itself, whose tokens name a user by id.
    let isOwn: Bool

    /// Trusts an outside issuer, such as an identity provider.
    ///
    /// Fails when a text is empty: without an audience, a token meant for another service would be good here.
    package init(
        name: String,
        audience: String,
        emailClaim: String = "email",
        keys: any KeySource
    ) throws(Failure) {
        try self.init(name: name, audience: audience, emailClaim: emailClaim, keys: keys, isOwn: false)
    }

    init(
        name: String,
        audience: String,
        emailClaim: String = "email",
        keys: any KeySource,
        isOwn: Bool
    ) throws(Failure) {
        for (setting, text) in [("issuer", name), ("audience", audience), ("claim for the email address", emailClaim)]
        where text.isEmpty {
            throw .invalidSetting("The \(setting)", "must not be empty")
        }
        self.name = name
        self.audience = audience
        self.emailClaim = emailClaim
        self.keys = keys
        self.isOwn = isOwn
    }
}
