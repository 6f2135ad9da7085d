import WitanAccess

/// The secret by which an identity provider knows this server; nothing shows it but the request that needs it.
package struct OpenIDConnectSecret: Sendable, Concealed {
    private let text: String

    /// Takes the secret as the provider gave it.
    package init(_ text: String) {
        self.text = text
    }

    /// The secret itself: for the request to the token endpoint, and for nothing else.
    func reveal() -> String { text }
}
