package import WitanCore

/// What the operator says of the identity provider with which people sign in.
package struct OpenIDConnectConfiguration: Sendable {
    /// Where the provider sends people back to, below the server's public URL.
    package static let redirectPath = "/signin/oidc/callback"

    /// The scopes that are asked for when the operator names none.
    package static let standardScopes = "openid email profile"

    /// What the provider is called when the operator gives it no name.
    package static let standardName = "Single sign-on"

    /// The provider's issuer identifier, byte for byte as its tokens have it.
    package var issuer: String { address.text }

    /// By what the provider knows this server.
    package let clientID: String

    /// What proves to the provider that it is this server; `nil` for a public client.
    package let clientSecret: OpenIDConnectSecret?

    /// What is asked for, with spaces in between.
    package let scopes: String

    /// What people call the provider, for the button and the sentences.
    package let displayName: String

    let address: OpenIDConnectAddress

    /// Takes the parts; `.invalidRequest`, with a sentence that names the setting, unless each of them can be used.
    package init(
        issuer: String,
        clientID: String,
        clientSecret: OpenIDConnectSecret? = nil,
        scopes: String = standardScopes,
        displayName: String = standardName
    ) throws(Failure) {
        guard let address = OpenIDConnectAddress(issuer), address.isSafe, !address.hasQuery else {
            throw Self.invalid(
                "oidc-issuer",
                "must begin with https://, or with http:// for an address of this machine, and have no ? and no #"
            )
        }
        guard Self.isPrintable(clientID) else {
            throw Self.invalid("oidc-client-id", "must be the text by which the provider knows this server")
        }
        guard clientSecret.map({ Self.isPrintable($0.reveal()) }) ?? true else {
            throw Self.invalid("oidc-client-secret", "must be the text that the provider gave for this server")
        }
        let names = scopes.split(separator: " ", omittingEmptySubsequences: false)
        guard names.contains("openid"), names.allSatisfy({ Self.isPrintable($0) }) else {
            throw Self.invalid("oidc-scopes", "must be words with one space in between, openid among them")
        }
        guard Self.isName(displayName) else {
            throw Self.invalid("oidc-name", "must be a name of 1 to \(Self.longestName) characters that can be seen")
        }
        self.address = address
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.scopes = scopes
        self.displayName = displayName
    }

    /// Whether a provider may send people back to this URL: it is https, or on this machine.
    package static func canReturn(to url: String) -> Bool {
        OpenIDConnectAddress(url)?.isSafe ?? false
    }

    private static let longestText = 4_096
    private static let longestName = 64

    private static func invalid(_ setting: String, _ expectation: String) -> Failure {
        Failure(.invalidRequest, "The setting \(setting) \(expectation).")
    }

    /// The characters that client identifiers, secrets and scopes may have (RFC 6749, appendix A), without the space.
    private static func isPrintable(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.count <= longestText && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static func isName(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        return scalars.count <= longestName && scalars.contains { !$0.properties.isWhitespace }
            && !scalars.contains { [.control, .format].contains($0.properties.generalCategory) }
    }
}
