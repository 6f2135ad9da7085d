import WitanCore
import WitanJSON

/// What an identity provider says of itself (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2).
struct OpenIDConnectMetadata: Sendable {
    /// Where people sign in.
    let authorizationEndpoint: OpenIDConnectAddress

    /// Where a code becomes tokens.
    let tokenEndpoint: OpenIDConnectAddress

    /// Where the public keys are.
    let keysAddress: OpenIDConnectAddress

    /// Where a person's claims are, if anywhere.
    let userInfoEndpoint: OpenIDConnectAddress?

    /// How this server may say who it is at the token endpoint.
    let clientAuthentications: [String]

    /// Whether each answer names the issuer (RFC 9207, section 3).
    let namesIssuer: Bool

    /// Where a provider has its document (OpenID Connect Discovery 1.0, section 4.1).
    static func address(of issuer: OpenIDConnectAddress) -> OpenIDConnectAddress? {
        let base = issuer.text.hasSuffix("/") ? String(issuer.text.dropLast()) : issuer.text
        return OpenIDConnectAddress(base + "/.well-known/openid-configuration")
    }

    /// Reads a document, which must be the issuer's own (section 4.3).
    ///
    /// Its addresses must be https; those of a provider on this machine may be http on this machine too.
    init(_ document: JSONObject, issuer: OpenIDConnectAddress, from provider: OpenIDConnectProvider) throws(Failure) {
        guard let name = document["issuer"]?.string, name.utf8.elementsEqual(issuer.text.utf8) else {
            throw provider.refusal(.issuer)
        }
        func address(_ member: String) throws(Failure) -> OpenIDConnectAddress? {
            guard let value = document[member] else { return nil }
            guard let address = value.string.flatMap(OpenIDConnectAddress.init),
                address.isEncrypted || !issuer.isEncrypted && address.isLoopback
            else { throw provider.refusal(.metadata) }
            return address
        }
        guard let authorizationEndpoint = try address("authorization_endpoint"),
            let tokenEndpoint = try address("token_endpoint"), let keysAddress = try address("jwks_uri")
        else { throw provider.refusal(.metadata) }
        self.authorizationEndpoint = authorizationEndpoint
        self.tokenEndpoint = tokenEndpoint
        self.keysAddress = keysAddress
        userInfoEndpoint = try address("userinfo_endpoint")
        clientAuthentications =
            document["token_endpoint_auth_methods_supported"]?.array?.compactMap(\.string) ?? ["client_secret_basic"]
        namesIssuer = document["authorization_response_iss_parameter_supported"]?.bool ?? false
    }
}
