import WitanAccess
import WitanCore
import WitanJSON

extension FuzzTarget {
    /// A token: none is accepted but the one that the known key has signed.
    static let jwt = FuzzTarget(name: "jwt") { bytes in
        let tokens = try KnownTokens.shared.get()
        let text = String(decoding: bytes, as: UTF8.self)
        guard try await tokens.verified(text) != nil else { return .refused }
        try require(text.utf8.elementsEqual(tokens.good.utf8), "nothing is accepted that the key has not signed")
        return .accepted
    }

    /// The claims of a token that the known key has signed.
    ///
    /// They are accepted only in time, from the issuer and for the audience, and no more once a character of the token
    /// is another.
    static let claims = FuzzTarget(name: "claims") { bytes in
        let tokens = try KnownTokens.shared.get()
        // What is wrong with the text is a matter of the target `json`.
        guard let claims = try? JSONParser.parse(bytes).object else { return .refused }
        let text = try tokens.key.sign(claims)
        let place = bytes.reduce(bytes.count) { $0 &* 31 &+ Int($1) }.magnitude % text.utf8.count.magnitude
        var tampered = Array(text.utf8)
        tampered[Int(place)] = tampered[Int(place)] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        let forged = try await tokens.verified(String(decoding: tampered, as: UTF8.self))
        try require(forged == nil, "a token is worth nothing when one character is another")

        guard let token = try await tokens.verified(text) else { return .refused }
        try require(try await tokens.verified(text) == token, "a token says the same each time")
        try require(claims["iss"] == .string(KnownTokens.issuer), "only the issuer's tokens are accepted")
        let audiences = claims["aud"]?.array ?? [claims["aud"] ?? .null]
        try require(audiences.contains(.string(KnownTokens.audience)), "only tokens for this server are accepted")
        let expiry = try require(claims["exp"]?.number?.double, "no token is accepted without a number as its exp")
        try require(expiry > KnownTokens.now, "no token is accepted after its exp")
        for name in ["iat", "nbf"] {
            guard let start = claims[name] else { continue }
            let seconds = try require(start.number?.double, "\(name) is a number")
            try require(seconds <= KnownTokens.now + KnownTokens.leeway, "no token is accepted before its \(name)")
        }
        try require(claims["sub"] == .string(token.subject) && !token.subject.isEmpty, "the subject is the claim sub")
        try require(!token.isOwnSession, "an outside issuer's token is no session of the server's")
        if let email = token.email {
            try require(claims["email"] == .string(email) && !email.isEmpty, "the address is the claim email")
            try require(claims["email_verified"] != .bool(false), "an address that is not verified is none")
        }
        return .accepted
    }

    /// A JWKS document: each key that is taken is a public one of the type for its algorithm.
    static let jwks = FuzzTarget(name: "jwks") { bytes in
        let keySet: KeySet
        do throws(Failure) {
            keySet = try KeySet(document: bytes)
        } catch {
            try require(error.code == .invalidRequest, "a document is refused as its writer's mistake")
            return .refused
        }
        let elements = try require(JSONParser.parse(bytes).object?["keys"]?.array, "a document has an array of keys")
        let keys = elements.compactMap(\.object)
        var canVerify = false
        for algorithm in SignatureAlgorithm.allCases {
            let type = JSONValue.string(algorithm.keyType)
            let ofType = keys.filter { $0["kty"] == type }
            for id in [nil] + ofType.map({ $0["kid"]?.string }) {
                guard let key = keySet.key(id: id, for: algorithm) else { continue }
                canVerify = true
                try require(key.algorithm == algorithm, "a key is for the algorithm that was asked for")
                try require(
                    ofType.contains { $0["kid"]?.string == key.id && $0["d"] == nil },
                    "a key that is taken is a public one of the algorithm's type"
                )
                try require(id == nil || key.id == id, "a key has the id that was asked for")
                try require(!key.isValidSignature([], of: bytes[...]), "no key has an empty signature")
                // Whether it is one depends on the key; it must only not crash.
                _ = key.isValidSignature(Array(bytes.prefix(64)), of: bytes[...])
            }
        }
        let unnamed = keys.filter { $0["kid"] == nil }
        try require(canVerify || unnamed.count > 1, "a set without a key is refused")
        return .accepted
    }
}

extension SignatureAlgorithm {
    /// The `kty` of a key for it (RFC 7518, section 6.1; RFC 8037, section 2).
    fileprivate var keyType: String {
        switch self {
        case .rs256: "RSA"
        case .es256: "EC"
        case .edDSA: "OKP"
        }
    }
}

/// The key that most tokens in `Tests/Corpus/jwt` are signed with, a verifier that trusts it, and its one good token.
private struct KnownTokens: Sendable {
    static let shared = Result { try KnownTokens() }

    static let issuer = "https://issuer.example"
    static let audience = "witan"
    static let now = 1_700_000_000.0
    static let leeway = 60.0

    let key: SigningKey
    let good: String

    private let verifier: TokenVerifier

    private init() throws {
        key = try SigningKey(seed: Array(0..<32))
        good = try key.sign([
            "iss": .string(Self.issuer), "aud": .string(Self.audience), "sub": "user-1", "email": "ada@example.com",
            "iat": 1_700_000_000, "exp": 1_700_000_600, "jti": "t1",
        ])
        verifier = try TokenVerifier(
            issuers: [TrustedIssuer(name: Self.issuer, audience: Self.audience, keys: key.publicKeySet)],
            time: FakeClock(at: Timestamp(seconds: Int64(Self.now))).source,
            leeway: .seconds(Self.leeway)
        )
    }

    /// What the token says; `nil` when it is refused as tokens are.
    func verified(_ token: String) async throws -> VerifiedToken? {
        do throws(Failure) {
            return try await verifier.verify(token)
        } catch {
            try require(error.code == .unauthenticated && error.tokenRefusal != nil, "a refusal has a reason")
            return nil
        }
    }
}
