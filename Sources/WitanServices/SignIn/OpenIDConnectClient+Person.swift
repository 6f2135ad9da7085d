import WitanAccess
import WitanCore
import WitanJSON

extension OpenIDConnectClient {
    /// The claims of an ID token that is the provider's, for this server and for this sign-in (OpenID Connect Core 1.0,
    /// section 3.1.3.7).
    func identity(in token: String, nonce: String) async throws(Failure) -> JSONObject {
        do throws(Failure) {
            _ = try await verifier.verify(token)
        } catch {
            guard error.code == .unauthenticated else { throw provider.unreachable(error.underlying) }
            throw provider.refusal(.identityToken, cause: error.underlying)
        }
        let claims = try verifiedClaims(of: token)
        guard claims["nonce"]?.string?.utf8.isEqualInConstantTime(to: nonce.utf8) ?? false else {
            throw provider.refusal(.nonce)
        }
        // A token for several services names the one that it was issued to, and a token for one may do so.
        let audiences = claims["aud"]?.array?.count ?? 1
        if audiences > 1 || claims["azp"] != nil {
            guard claims["azp"] == .string(configuration.clientID) else { throw provider.refusal(.authorizedParty) }
        }
        guard claims["iat"] != nil, let subject = claims["sub"]?.string, Self.isSubject(subject) else {
            throw provider.refusal(.claims)
        }
        return claims
    }

    /// The address of whom the claims are about, which the provider has verified.
    ///
    /// The address and that it is verified must stand together, in the ID token or in the user info (section 5.3).
    func email(
        of identity: JSONObject,
        accessToken: String?,
        at metadata: OpenIDConnectMetadata
    ) async throws(Failure) -> String {
        guard let subject = identity["sub"]?.string else { throw provider.refusal(.claims) }
        if let email = identity.verifiedEmail { return email }
        // What the provider says of an address here, it need not be asked again.
        guard identity["email"] == nil || identity["email_verified"] == nil, let accessToken,
            let endpoint = metadata.userInfoEndpoint
        else { throw provider.refusal(.email) }
        let answer = try await provider.answer(to: .document(at: endpoint, accessToken: accessToken))
        guard answer.status == 200 else { throw provider.refusal(.answer) }
        let information = try provider.object(answer.body)
        guard information["sub"] == .string(subject) else { throw provider.refusal(.userInfoSubject) }
        guard let email = information.verifiedEmail else { throw provider.refusal(.email) }
        return email
    }

    /// The claims of a token that the verifier has read in the same way, and so without a surprise.
    private func verifiedClaims(of token: String) throws(Failure) -> JSONObject {
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let claims = Base64URL.decode(parts[1]) else { throw provider.refusal(.claims) }
        return try provider.object(claims)
    }

    /// At most 255 ASCII characters (section 2).
    private static func isSubject(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}

extension JSONObject {
    /// The address that the provider says it has verified (section 5.1); some write the boolean as a text.
    fileprivate var verifiedEmail: String? {
        guard let email = self["email"]?.string, EmailAddress.isPlausible(email) else { return nil }
        return switch self["email_verified"] {
        case .bool(true), .string("true"): email
        default: nil
        }
    }
}
