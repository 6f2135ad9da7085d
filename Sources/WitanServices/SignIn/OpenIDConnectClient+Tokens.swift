import WitanCore
import WitanJSON

extension OpenIDConnectClient {
    /// Exchanges a code for tokens (OpenID Connect Core 1.0, section 3.1.3).
    func tokens(
        for code: String,
        verifier: String,
        redirectURL: String,
        at metadata: OpenIDConnectMetadata
    ) async throws(Failure) -> (identityToken: String, accessToken: String?) {
        let parameters = [
            (name: "grant_type", value: "authorization_code"), (name: "code", value: code),
            (name: "redirect_uri", value: redirectURL), (name: "code_verifier", value: verifier),
        ]
        let request = try tokenRequest(parameters, at: metadata)
        let answer = try await provider.answer(to: request)
        guard answer.status == 200 else { throw refusal(ofStatus: answer.status, answer.body) }
        let object = try provider.object(answer.body)
        guard let identityToken = object["id_token"]?.string else { throw provider.refusal(.answer) }
        return (identityToken, Self.accessToken(object))
    }

    /// The form, in the way of saying who we are that the provider prefers not to be without (section 9).
    private func tokenRequest(
        _ parameters: [(name: String, value: String)],
        at metadata: OpenIDConnectMetadata
    ) throws(Failure) -> OpenIDConnectRequest {
        let endpoint = metadata.tokenEndpoint
        let client = configuration.clientID
        guard let secret = configuration.clientSecret?.reveal() else {
            return .form(parameters + [("client_id", client)], to: endpoint)
        }
        if metadata.clientAuthentications.contains("client_secret_basic") {
            return .form(parameters, to: endpoint, basic: (client, secret))
        }
        guard metadata.clientAuthentications.contains("client_secret_post") else {
            throw provider.refusal(.clientAuthentication)
        }
        return .form(parameters + [("client_id", client), ("client_secret", secret)], to: endpoint)
    }

    /// Why there are no tokens (RFC 6749, 5.2); what else the provider says of it stays unsaid.
    private func refusal(ofStatus status: Int, _ body: [UInt8]) -> Failure {
        let error: String?
        do throws(Failure) {
            error = try provider.object(body)["error"]?.string
        } catch {
            return status == 401 ? provider.refusal(.client) : error
        }
        return switch error {
        case "invalid_grant": provider.refusal(.code)
        case "invalid_client", "unauthorized_client": provider.refusal(.client)
        default: provider.refusal(status == 401 ? .client : .answer)
        }
    }

    /// The access token, if there is one that can stand in a header (RFC 6750, 2.1).
    private static func accessToken(_ object: JSONObject) -> String? {
        guard object["token_type"]?.string?.lowercased() == "bearer", let token = object["access_token"]?.string,
            !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        return token
    }
}
