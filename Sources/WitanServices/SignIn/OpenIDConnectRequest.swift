import WitanAccess
import WitanCore

/// A request to an identity provider; it may hold the client secret, a code or a token, and so shows nothing of itself.
package struct OpenIDConnectRequest: Sendable, Concealed {
    /// What is done.
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    /// What is done.
    package let method: Method

    /// Where it goes.
    package let url: String

    /// Its headers, each name once.
    package let headers: [(name: String, value: String)]

    /// What is sent; empty for `GET`.
    package let body: [UInt8]

    /// A request for a JSON document, with an access token if one is needed (RFC 6750, 2.1).
    static func document(at address: OpenIDConnectAddress, accessToken: String? = nil) -> OpenIDConnectRequest {
        var headers = [(name: "Accept", value: "application/json")]
        if let accessToken { headers.append(("Authorization", "Bearer \(accessToken)")) }
        return OpenIDConnectRequest(method: .get, url: address.text, headers: headers, body: [])
    }

    /// A form, with a name and a password if the receiver wants them in the header (RFC 6749, 2.3.1).
    static func form(
        _ parameters: [(name: String, value: String)],
        to address: OpenIDConnectAddress,
        basic credentials: (name: String, password: String)? = nil
    ) -> OpenIDConnectRequest {
        var headers = [
            (name: "Accept", value: "application/json"),
            (name: "Content-Type", value: "application/x-www-form-urlencoded"),
        ]
        if let credentials {
            let pair = [credentials.name, credentials.password].map(PercentEncoding.encode)
            headers.append(("Authorization", "Basic \(Base64.encode(Array(pair.joined(separator: ":").utf8)))"))
        }
        let body = Array(OpenIDConnectAddress.form(parameters).utf8)
        return OpenIDConnectRequest(method: .post, url: address.text, headers: headers, body: body)
    }
}
