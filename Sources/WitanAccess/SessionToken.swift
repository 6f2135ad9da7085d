package import WitanCore

/// A session of the server's own, as it is handed to the client.
package struct SessionToken: Sendable, Concealed {
    /// The signed token.
    package let text: String

    /// The token's id (`jti`), which may be logged.
    package let id: String

    /// From when on it is worth nothing, in whole seconds.
    package let expiresAt: Timestamp
}
