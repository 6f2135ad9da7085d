import Crypto
import CryptoExtras
import Foundation
import Synchronization
import WitanAccess
import WitanCore
import WitanJSON

/// A clock that stands still until a test moves it.
final class TokenTestClock: Sendable {
    private let microseconds: Mutex<Int64>

    init(seconds: Int64 = 1_700_000_000) {
        microseconds = Mutex(seconds * 1_000_000)
    }

    func advance(by duration: Duration) {
        microseconds.withLock { $0 = Timestamp(microseconds: $0).advanced(by: duration).microseconds }
    }

    var source: TimeSource {
        TimeSource(
            now: { Timestamp(microseconds: self.microseconds.withLock { $0 }) },
            monotonic: { self.microseconds.withLock { $0 * 1_000 } }
        )
    }
}

/// A private key of an issuer's.
enum TokenTestKey: Sendable {
    case rsa(_RSA.Signing.PrivateKey)
    case p256(P256.Signing.PrivateKey)
    case ed25519(Curve25519.Signing.PrivateKey)

    var algorithm: SignatureAlgorithm {
        switch self {
        case .rsa: .rs256
        case .p256: .es256
        case .ed25519: .edDSA
        }
    }

    func signature(of message: String) throws -> [UInt8] {
        let message = Data(message.utf8)
        return switch self {
        case .rsa(let key):
            Array(
                try key.signature(for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5).rawRepresentation
            )
        case .p256(let key): Array(try key.signature(for: SHA256.hash(data: message)).rawRepresentation)
        case .ed25519(let key): Array(try key.signature(for: message))
        }
    }

    func jwk(id: String?) throws -> JSONObject {
        var jwk: JSONObject
        switch self {
        case .rsa(let key):
            let primitives = try key.publicKey.getKeyPrimitives()
            jwk = ["kty": "RSA", "n": text(primitives.modulus), "e": text(primitives.publicExponent)]
        case .p256(let key):
            let point = key.publicKey.rawRepresentation
            jwk = ["kty": "EC", "crv": "P-256", "x": text(point.prefix(32)), "y": text(point.suffix(32))]
        case .ed25519(let key):
            jwk = ["kty": "OKP", "crv": "Ed25519", "x": text(key.publicKey.rawRepresentation)]
        }
        if let id { jwk["kid"] = .string(id) }
        return jwk
    }

    private func text(_ bytes: Data) -> JSONValue { .string(Base64URL.encode(bytes)) }
}

/// Real keys, made once for all tests: an RSA key takes a while.
struct TokenTestKeys: Sendable {
    private static let shared = Result { try TokenTestKeys() }

    let rsaKey: _RSA.Signing.PrivateKey
    let rsa: TokenTestKey
    let otherRSA: TokenTestKey
    let p256 = TokenTestKey.p256(P256.Signing.PrivateKey())
    let otherP256 = TokenTestKey.p256(P256.Signing.PrivateKey())
    let ed25519 = TokenTestKey.ed25519(Curve25519.Signing.PrivateKey())
    let otherEd25519 = TokenTestKey.ed25519(Curve25519.Signing.PrivateKey())

    private init() throws {
        rsaKey = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        rsa = .rsa(rsaKey)
        otherRSA = .rsa(try _RSA.Signing.PrivateKey(keySize: .bits2048))
    }

    static func make() throws -> TokenTestKeys { try shared.get() }
}

/// One outside issuer with a key of each type, and a verifier that trusts it.
struct TokenFixture: Sendable {
    static let issuer = "https://issuer.example"
    static let audience = "witan"

    let keys: TokenTestKeys
    let clock = TokenTestClock()
    let document: [UInt8]
    let verifier: TokenVerifier

    init(leeway: Duration = .seconds(60), emailClaim: String = "email") throws {
        keys = try TokenTestKeys.make()
        document = try jwks(keys.rsa.jwk(id: "rsa"), keys.p256.jwk(id: "p256"), keys.ed25519.jwk(id: "ed25519"))
        verifier = try TokenVerifier(
            issuers: [
                TrustedIssuer(
                    name: Self.issuer,
                    audience: Self.audience,
                    emailClaim: emailClaim,
                    keys: KeySet(document: document)
                )
            ],
            time: clock.source,
            leeway: leeway
        )
    }

    /// Claims that are good for ten minutes from the clock's start.
    static let claims: JSONObject = [
        "iss": .string(issuer), "aud": .string(audience), "sub": "user-1", "email": "ada@example.com",
        "iat": 1_700_000_000, "exp": 1_700_000_600, "jti": "token-1",
    ]

    func key(for algorithm: SignatureAlgorithm) -> (id: String, key: TokenTestKey) {
        switch algorithm {
        case .rs256: ("rsa", keys.rsa)
        case .es256: ("p256", keys.p256)
        case .edDSA: ("ed25519", keys.ed25519)
        }
    }

    /// A token by the issuer's key for the algorithm, its header and claims changed as told.
    func token(
        _ algorithm: SignatureAlgorithm = .edDSA,
        header: (inout JSONObject) -> Void = { _ in },
        claims: (inout JSONObject) -> Void = { _ in }
    ) throws -> String {
        let (id, key) = key(for: algorithm)
        var head: JSONObject = ["alg": .string(algorithm.rawValue), "kid": .string(id), "typ": "JWT"]
        var body = Self.claims
        header(&head)
        claims(&body)
        return try signed(head, body, by: key)
    }

    /// Why the verifier refuses the token; `nil` when it accepts it.
    func refusal(of token: String) async throws -> TokenRefusal? {
        try await verifier.refusal(of: token)
    }
}

extension TokenVerifier {
    func refusal(of token: String) async throws -> TokenRefusal? {
        do {
            _ = try await verify(token)
            return nil
        } catch {
            guard let refusal = error.tokenRefusal, error.code == .unauthenticated else { throw error }
            return refusal
        }
    }
}

func jwks(_ keys: JSONObject...) -> [UInt8] {
    JSONWriter.bytes(of: ["keys": .array(keys.map(JSONValue.object))])
}

func signed(_ header: JSONObject, _ claims: JSONObject, by key: TokenTestKey) throws -> String {
    try signed(JSONWriter.string(of: .object(header)), JSONWriter.string(of: .object(claims)), by: key)
}

/// Signs texts that need not be JSON.
func signed(_ header: String, _ claims: String, by key: TokenTestKey) throws -> String {
    let input = "\(Base64URL.encode(header.utf8)).\(Base64URL.encode(claims.utf8))"
    return "\(input).\(Base64URL.encode(try key.signature(of: input)))"
}

/// Signs a header of these members with another kind of signature.
func token(header: JSONObject, signature: (String) throws -> [UInt8]) rethrows -> String {
    let input = [header, TokenFixture.claims]
        .map { Base64URL.encode(JSONWriter.bytes(of: .object($0))) }
        .joined(separator: ".")
    return "\(input).\(Base64URL.encode(try signature(input)))"
}
