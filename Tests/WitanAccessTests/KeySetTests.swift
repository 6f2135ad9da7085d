import CryptoExtras
import Testing
import WitanAccess
import WitanCore
import WitanJSON

@Suite("Key sets")
struct KeySetTests {
    private let keys: TokenTestKeys

    init() throws {
        keys = try TokenTestKeys.make()
    }

    private func failure(_ document: [UInt8]) -> Failure? {
        #expect(throws: Failure.self) { try KeySet(document: document) }
    }

    @Test("keys are found by their kid, for their own algorithm only")
    func lookUp() throws {
        let set = try KeySet(document: jwks(keys.rsa.jwk(id: "a"), keys.p256.jwk(id: "b"), keys.ed25519.jwk(id: "c")))
        for (id, algorithm) in [("a", SignatureAlgorithm.rs256), ("b", .es256), ("c", .edDSA)] {
            #expect(set.contains(id: id))
            #expect(set.key(id: id, for: algorithm)?.algorithm == algorithm)
            for other in SignatureAlgorithm.allCases where other != algorithm {
                #expect(set.key(id: id, for: other) == nil)
            }
        }
        #expect(!set.contains(id: "d"))
        #expect(!set.contains(id: "A"))
        #expect(set.key(id: "", for: .edDSA) == nil)
    }

    @Test("a token without a kid gets the key for its algorithm when there is one and not two")
    func withoutID() throws {
        let set = try KeySet(document: jwks(keys.rsa.jwk(id: nil), keys.p256.jwk(id: "b"), keys.otherP256.jwk(id: nil)))
        #expect(set.key(id: nil, for: .rs256) != nil)
        #expect(set.key(id: nil, for: .es256) == nil)
        #expect(set.key(id: nil, for: .edDSA) == nil)
        #expect(set.key(id: "other", for: .rs256) == nil)
    }

    @Test("keys of another type, size, use or algorithm are passed over")
    func ignored() throws {
        let small = TokenTestKey.rsa(try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1_024)))
        func changed(_ key: TokenTestKey, _ member: String, _ value: JSONValue) throws -> JSONObject {
            var jwk = try key.jwk(id: "ignored")
            jwk[member] = value
            return jwk
        }
        let ignored: [JSONObject] = [
            ["kty": "oct", "k": "c2VjcmV0", "kid": "ignored", "alg": "HS256"],
            ["kty": "oct", "k": "c2VjcmV0", "kid": "ignored", "alg": "RS256", "use": "sig"],
            ["kty": "AKP", "alg": "ML-DSA-65", "pub": "AA", "kid": "ignored"],
            ["kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "kid": "ignored"],
            ["kty": "EC", "x": "AA", "y": "AA", "kid": "ignored"],
            ["kty": "OKP", "crv": "X25519", "x": "AA", "kid": "ignored"],
            ["kty": "rsa", "n": "AA", "e": "AQAB", "kid": "ignored"],
            ["kty": 1, "kid": "ignored"],
            [:],
            try small.jwk(id: "ignored"),
            try changed(keys.rsa, "use", "enc"),
            try changed(keys.rsa, "alg", "PS256"),
            try changed(keys.rsa, "alg", "RS384"),
            try changed(keys.rsa, "alg", "HS256"),
            try changed(keys.p256, "alg", "ECDH-ES"),
            try changed(keys.ed25519, "key_ops", ["sign"]),
            try changed(keys.ed25519, "key_ops", []),
        ]
        for jwk in ignored {
            let set = try KeySet(document: jwks(jwk, keys.ed25519.jwk(id: "good")))
            #expect(set.contains(id: "good"))
            #expect(!set.contains(id: "ignored"), "\(JSONWriter.string(of: .object(jwk)))")
            #expect(failure(jwks(jwk))?.message.contains("must hold a public signature key") == true)
        }
    }

    @Test("what is said besides the key may be there, and must fit")
    func fitting() throws {
        var jwk = try keys.rsa.jwk(id: "a")
        jwk["use"] = "sig"
        jwk["alg"] = "RS256"
        jwk["key_ops"] = ["verify"]
        jwk["x5c"] = ["MIIB"]
        jwk["x5t"] = "AA"
        #expect(try KeySet(document: jwks(jwk)).key(id: "a", for: .rs256) != nil)
    }

    struct Damage: Sendable, CustomTestStringConvertible {
        let key: SignatureAlgorithm
        let member: String
        let value: JSONValue?
        var testDescription: String {
            "\(key.rawValue) \(member) \(value.map { JSONWriter.string(of: $0) } ?? "absent")"
        }
    }

    static let damages: [Damage] = [
        Damage(key: .rs256, member: "n", value: nil),
        Damage(key: .rs256, member: "n", value: ""),
        Damage(key: .rs256, member: "n", value: 5),
        Damage(key: .rs256, member: "n", value: "AQ=="),
        Damage(key: .rs256, member: "n", value: "not base64"),
        Damage(key: .rs256, member: "e", value: nil),
        Damage(key: .rs256, member: "e", value: "AQ"),
        Damage(key: .rs256, member: "e", value: "AA"),
        Damage(key: .rs256, member: "e", value: "BA"),
        Damage(key: .rs256, member: "e", value: "AQAAAAAAAAAB"),
        Damage(key: .rs256, member: "d", value: "AQAB"),
        Damage(key: .es256, member: "x", value: "AA"),
        Damage(key: .es256, member: "y", value: nil),
        Damage(key: .es256, member: "y", value: .string(String(repeating: "A", count: 43))),
        Damage(key: .es256, member: "y", value: .string(String(repeating: "A", count: 44))),
        Damage(key: .es256, member: "d", value: "AA"),
        Damage(key: .edDSA, member: "x", value: nil),
        Damage(key: .edDSA, member: "x", value: "AA"),
        Damage(key: .edDSA, member: "x", value: .string(String(repeating: "A", count: 43) + "=")),
        Damage(key: .edDSA, member: "d", value: "AA"),
        Damage(key: .edDSA, member: "kid", value: 1),
        Damage(key: .edDSA, member: "use", value: ["sig"]),
        Damage(key: .edDSA, member: "alg", value: 1),
        Damage(key: .edDSA, member: "key_ops", value: "verify"),
    ]

    @Test("a malformed key is a failure that names its place", arguments: damages)
    func malformed(damage: Damage) throws {
        let key =
            switch damage.key {
            case .rs256: keys.rsa
            case .es256: keys.p256
            case .edDSA: keys.ed25519
            }
        var jwk = try key.jwk(id: "bad")
        jwk[damage.member] = damage.value
        let failure = failure(jwks(try keys.otherEd25519.jwk(id: "good"), jwk))
        #expect(failure?.message.hasPrefix("The JWKS document's keys[1]") == true)
    }

    @Test("a kid given twice is a failure, whatever the types")
    func duplicates() throws {
        for other in [keys.otherRSA, keys.p256] {
            let message = failure(jwks(try keys.rsa.jwk(id: "a"), try other.jwk(id: "a")))?.message
            #expect(message == "The JWKS document's keys[1].kid must differ from the `kid` of every other key.")
        }
    }

    @Test(
        "a document of another shape is a failure",
        arguments: [
            "", "null", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[1]}"#, #"{"keys":[],"keys":[]}"#,
            #"{"keys":[{"kty":"OKP","kty":"RSA"}]}"#, "<html>", "\u{FEFF}{}",
        ]
    )
    func shape(document: String) {
        #expect(failure(Array(document.utf8))?.code == .invalidRequest)
    }

    @Test("a document over the limit is a failure")
    func size() throws {
        let document = jwks(try keys.ed25519.jwk(id: "a"))
        var limits = Limits()
        limits.keySetBytes = document.count
        #expect(try KeySet(document: document, limits: limits).contains(id: "a"))
        limits.keySetBytes -= 1
        #expect(throws: Failure.self) { try KeySet(document: document, limits: limits) }
    }

    @Test("a leading zero before the modulus is no bit of it")
    func leadingZero() throws {
        var jwk = try keys.rsa.jwk(id: "a")
        let modulus = try #require(Base64URL.decode((jwk["n"]?.string ?? "").utf8))
        jwk["n"] = .string(Base64URL.encode([0] + modulus))
        let input = "message"
        let key = try #require(KeySet(document: jwks(jwk)).key(id: "a", for: .rs256))
        #expect(key.isValidSignature(try keys.rsa.signature(of: input), of: Array(input.utf8)[...]))
    }

    struct Example: Sendable {
        let algorithm: SignatureAlgorithm
        let jwk: JSONObject
        let token: String
    }

    /// RFC 7515, appendices A.2 and A.3; RFC 8037, appendix A.4.
    static let examples: [Example] = [
        Example(
            algorithm: .rs256,
            jwk: [
                "kty": "RSA", "e": "AQAB",
                "n": """
                ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4Ql\
                L-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs\
                LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoud\
                F8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ
                """,
            ],
            token: """
                eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9p\
                c19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_\
                lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvk\
                SjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2\
                w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw
                """
        ),
        Example(
            algorithm: .es256,
            jwk: [
                "kty": "EC", "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            ],
            token: """
                eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9p\
                c19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3\
                -Kg6NU1Q
                """
        ),
        Example(
            algorithm: .edDSA,
            jwk: ["kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"],
            token: """
                eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIb\
                QR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg
                """
        ),
    ]

    @Test("the signatures in the standards' examples are valid", arguments: examples)
    func standards(example: Example) throws {
        let key = try #require(KeySet(document: jwks(example.jwk)).key(id: nil, for: example.algorithm))
        let parts = example.token.split(separator: ".")
        let signature = try #require(Base64URL.decode(parts[2].utf8))
        let input = Array("\(parts[0]).\(parts[1])".utf8)
        #expect(key.isValidSignature(signature, of: input[...]))
        #expect(!key.isValidSignature(signature, of: input.dropLast()))
    }
}
