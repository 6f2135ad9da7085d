import JWTKit
import Synchronization
import Testing
import WitanAccess
import WitanCore
import WitanHTTP
import WitanJSON
import WitanServices

/// An identity provider with real keys, codes and tokens, which misbehaves where a test tells it to.
final class IdentityProvider: Sendable {
    static let issuer = "https://id.test"
    static let clientID = "witan:console"
    static let clientSecret = "s3cr3t:with&signs+%"
    static let redirectURL = "https://witan.test" + OpenIDConnectConfiguration.redirectPath

    /// The claims of an ID token.
    struct Claims: JWTPayload {
        var iss = IdentityProvider.issuer
        var aud: AudienceClaim = .init(value: [IdentityProvider.clientID])
        var sub: String? = "248289761001"
        var azp: String?
        var nonce: String?
        var iat: Int64?
        var exp: Int64
        var email: String? = "ada@example.com"
        var isEmailVerified: Bool? = true

        enum CodingKeys: String, CodingKey {
            case iss, aud, sub, azp, nonce, iat, exp, email
            case isEmailVerified = "email_verified"
        }

        func verify(using algorithm: some JWTAlgorithm) {}
    }

    /// How a token is signed.
    enum Signing: Sendable {
        case right, withOtherKey, notAtAll
    }

    /// What the provider does otherwise than it should.
    struct Behaviour: Sendable {
        var metadata: JSONObject = [:]
        var claims: @Sendable (inout Claims) -> Void = { _ in }
        var signing = Signing.right
        var keyID = "key-1"
        var userInfo: JSONObject?
        /// Takes the place of the answer at a path.
        var answers: [String: @Sendable () async throws -> (status: Int, body: [UInt8])] = [:]
    }

    private struct Grant {
        let challenge: String
        let nonce: String
        let redirectURL: String
        let expiresAt: Timestamp
    }

    private struct State {
        var behaviour: Behaviour
        var grants: [String: Grant] = [:]
        var secrets: Set<String> = [IdentityProvider.clientSecret]
        var paths: [String] = []
        var count = 0
    }

    private let state: Mutex<State>
    private let time: TimeSource
    private let key = ES256PrivateKey()
    private let otherKey = ES256PrivateKey()

    init(_ behaviour: Behaviour, time: TimeSource) {
        state = Mutex(State(behaviour: behaviour))
        self.time = time
    }

    /// What no failure may show: codes, tokens, the client's secret, and what the browser keeps.
    var secrets: Set<String> { state.withLock(\.secrets) }

    /// The paths that were asked for, in their order.
    var paths: [String] { state.withLock(\.paths) }

    /// Changes what the provider does from now on.
    func change(_ change: (inout Behaviour) -> Void) { state.withLock { change(&$0.behaviour) } }

    /// What the provider sends the browser back with when the person agrees.
    func authorize(_ url: String) throws -> [(name: String, value: String)] {
        let parts = url.split(separator: "?", maxSplits: 1)
        #expect(parts[0] == "\(Self.issuer)/authorize")
        let query = try Dictionary(uniqueKeysWithValues: QueryString.parse(parts[1]).map { ($0.name, $0.value) })
        #expect(query["response_type"] == "code")
        #expect(query["client_id"] == Self.clientID)
        #expect(query["code_challenge_method"] == "S256")
        #expect(query["scope"]?.split(separator: " ").contains("openid") == true)
        let grant = Grant(
            challenge: try #require(query["code_challenge"]),
            nonce: try #require(query["nonce"]),
            redirectURL: try #require(query["redirect_uri"]),
            expiresAt: time.now().advanced(by: .seconds(60))
        )
        let code = state.withLock { state in
            state.count += 1
            let code = "code-\(state.count)-SplxlOBeZQQYbYS6WxSbIA"
            state.grants[code] = grant
            state.secrets.formUnion([code, grant.nonce, query["state"] ?? ""])
            return code
        }
        return [("code", code), ("state", try #require(query["state"]))]
    }

    /// Answers a request of the client's.
    func answer(_ request: OpenIDConnectRequest) async throws -> (status: Int, body: [UInt8]) {
        #expect(request.url.hasPrefix(Self.issuer))
        let path = String(request.url.dropFirst(Self.issuer.count))
        let behaviour = state.withLock { state in
            state.paths.append(path)
            return state.behaviour
        }
        if let answer = behaviour.answers[path] { return try await answer() }
        switch (request.method, path) {
        case (.get, "/.well-known/openid-configuration"): return (200, JSONWriter.bytes(of: metadata(behaviour)))
        case (.get, "/keys"): return (200, JSONWriter.bytes(of: try keys(behaviour)))
        case (.get, "/userinfo"): return userInfo(request, behaviour)
        case (.post, "/token"): return try await tokens(request, behaviour)
        default: return (404, [])
        }
    }

    private func metadata(_ behaviour: Behaviour) -> JSONValue {
        var document: JSONObject = [
            "issuer": .string(Self.issuer), "authorization_endpoint": .string("\(Self.issuer)/authorize"),
            "token_endpoint": .string("\(Self.issuer)/token"), "jwks_uri": .string("\(Self.issuer)/keys"),
            "userinfo_endpoint": .string("\(Self.issuer)/userinfo"),
        ]
        for (name, value) in behaviour.metadata.members { document[name] = value }
        return .object(document)
    }

    private func keys(_ behaviour: Behaviour) throws -> JSONValue {
        let point = try #require(key.publicKey.parameters)
        let x = Base64URL.encode(try #require(Base64.decode(point.x)))
        let y = Base64URL.encode(try #require(Base64.decode(point.y)))
        return [
            "keys": [
                [
                    "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": .string(behaviour.keyID),
                    "x": .string(x), "y": .string(y),
                ]
            ]
        ]
    }

    private func userInfo(_ request: OpenIDConnectRequest, _ behaviour: Behaviour) -> (status: Int, body: [UInt8]) {
        let token = request.header("Authorization").map { String($0.dropFirst("Bearer ".count)) }
        guard let token, secrets.contains(token) else { return (401, []) }
        return (200, JSONWriter.bytes(of: .object(behaviour.userInfo ?? [:])))
    }

    private func tokens(
        _ request: OpenIDConnectRequest,
        _ behaviour: Behaviour
    ) async throws -> (status: Int, body: [UInt8]) {
        #expect(request.header("Content-Type") == "application/x-www-form-urlencoded")
        let parameters = try QueryString.parse(String(decoding: request.body, as: UTF8.self))
        let form = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.value) })
        guard isClient(request, form, behaviour) else { return refusal(401, "invalid_client") }
        let verifier = form["code_verifier"] ?? ""
        let now = time.now()
        let grant = state.withLock { state in
            state.secrets.insert(verifier)
            return form["code"].flatMap { state.grants.removeValue(forKey: $0) }
        }
        guard form["grant_type"] == "authorization_code", let grant, now < grant.expiresAt,
            grant.redirectURL == form["redirect_uri"], grant.challenge == ProofKey.challenge(of: verifier)
        else { return refusal(400, "invalid_grant") }
        var claims = Claims(nonce: grant.nonce, iat: now.seconds, exp: now.seconds + 300)
        behaviour.claims(&claims)
        let identityToken = try await sign(claims, behaviour)
        let accessToken = "access-\(ProofKey.challenge(of: verifier))"
        state.withLock { $0.secrets.formUnion([identityToken, accessToken]) }
        return (
            200,
            JSONWriter.bytes(of: [
                "access_token": .string(accessToken), "token_type": "Bearer", "expires_in": 300,
                "id_token": .string(identityToken),
            ])
        )
    }

    private func refusal(_ status: Int, _ error: String) -> (status: Int, body: [UInt8]) {
        (status, JSONWriter.bytes(of: ["error": .string(error), "error_description": .string(Self.clientSecret)]))
    }

    /// Whether the client says who it is in the first of the ways that the provider supports.
    private func isClient(_ request: OpenIDConnectRequest, _ form: [String: String], _ behaviour: Behaviour) -> Bool {
        switch behaviour.metadata["token_endpoint_auth_methods_supported"]?.array?.first?.string {
        case nil, "client_secret_basic":
            let pair = "witan%3Aconsole:s3cr3t%3Awith%26signs%2B%25"
            return request.header("Authorization") == "Basic \(Base64.encode(Array(pair.utf8)))"
                && form["client_id"] == nil && form["client_secret"] == nil
        case "client_secret_post":
            return request.header("Authorization") == nil && form["client_id"] == Self.clientID
                && form["client_secret"] == Self.clientSecret
        default:
            return request.header("Authorization") == nil && form["client_id"] == Self.clientID
                && form["client_secret"] == nil
        }
    }

    private func sign(_ claims: Claims, _ behaviour: Behaviour) async throws -> String {
        let collection = JWTKeyCollection()
        let id = JWKIdentifier(string: behaviour.keyID)
        await collection.add(ecdsa: behaviour.signing == .withOtherKey ? otherKey : key, kid: id)
        let token = try await collection.sign(claims, kid: id)
        guard behaviour.signing == .notAtAll else { return token }
        let header: JSONValue = ["alg": "none", "typ": "JWT", "kid": .string(behaviour.keyID)]
        return "\(Base64URL.encode(JSONWriter.bytes(of: header))).\(token.split(separator: ".")[1])."
    }
}

extension OpenIDConnectRequest {
    /// The value of a header.
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
