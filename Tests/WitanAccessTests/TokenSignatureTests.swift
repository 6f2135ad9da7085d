import Crypto
import CryptoExtras
import Foundation
import Testing
import WitanAccess
import WitanCore
import WitanJSON

@Suite("Tokens: signatures")
struct TokenSignatureTests {
    @Test("another key's signature is refused, also under the same kid", arguments: SignatureAlgorithm.allCases)
    func otherKey(algorithm: SignatureAlgorithm) async throws {
        let fixture = try TokenFixture()
        let (id, _) = fixture.key(for: algorithm)
        let other =
            switch algorithm {
            case .rs256: fixture.keys.otherRSA
            case .es256: fixture.keys.otherP256
            case .edDSA: fixture.keys.otherEd25519
            }
        let name = JSONValue.string(algorithm.rawValue)
        let forged = try signed(["alg": name, "kid": .string(id)], TokenFixture.claims, by: other)
        #expect(try await fixture.refusal(of: forged) == .signature)
        let nameless = try signed(["alg": name], TokenFixture.claims, by: other)
        #expect(try await fixture.refusal(of: nameless) == .signature)
    }

    @Test("the public key is no shared secret, in none of its spellings")
    func publicKeyAsSecret() async throws {
        let fixture = try TokenFixture()
        let key = fixture.keys.rsaKey.publicKey
        let jwk = try fixture.keys.rsa.jwk(id: "rsa")
        let secrets: [Data] = [
            Data(key.pemRepresentation.utf8), Data((key.pemRepresentation + "\n").utf8), key.derRepresentation,
            key.pkcs1DERRepresentation, Data(key.pkcs1PEMRepresentation.utf8), try key.getKeyPrimitives().modulus,
            Data((jwk["n"]?.string ?? "").utf8), Data(JSONWriter.bytes(of: .object(jwk))), Data(fixture.document),
        ]
        for secret in secrets {
            let code = { (input: String) in
                Array(HMAC<SHA256>.authenticationCode(for: Data(input.utf8), using: SymmetricKey(data: secret)))
            }
            for (algorithm, refusal) in [
                ("HS256", TokenRefusal.algorithm), ("RS256", .signature), ("none", .algorithm),
            ] {
                let forged = token(header: ["alg": .string(algorithm), "kid": "rsa"], signature: code)
                #expect(try await fixture.refusal(of: forged) == refusal)
            }
        }
    }

    @Test("a kid of a key of another type finds no key", arguments: SignatureAlgorithm.allCases)
    func crossedTypes(algorithm: SignatureAlgorithm) async throws {
        let fixture = try TokenFixture()
        for other in SignatureAlgorithm.allCases where other != algorithm {
            let id = JSONValue.string(fixture.key(for: other).id)
            // Both ways: signed by the key that fits the algorithm, and by the key that fits the kid.
            let byAlgorithm = try fixture.token(algorithm, header: { $0["kid"] = id })
            let byID = try fixture.token(other, header: { $0["alg"] = .string(algorithm.rawValue) })
            #expect(try await fixture.refusal(of: byAlgorithm) == .key)
            #expect(try await fixture.refusal(of: byID) == .key)
        }
    }

    @Test("none is refused with and without a signature", arguments: ["none", "None", "NONE", "nOnE"])
    func none(name: String) async throws {
        let fixture = try TokenFixture()
        let header: JSONObject = ["alg": .string(name), "kid": "ed25519"]
        #expect(try await fixture.refusal(of: token(header: header, signature: { _ in [] })) == .algorithm)
        let signed = try signed(header, TokenFixture.claims, by: fixture.keys.ed25519)
        #expect(try await fixture.refusal(of: signed) == .algorithm)
    }

    @Test("a signature of another form is refused", arguments: SignatureAlgorithm.allCases)
    func form(algorithm: SignatureAlgorithm) async throws {
        let fixture = try TokenFixture()
        let (id, key) = fixture.key(for: algorithm)
        let changes: [([UInt8]) throws -> [UInt8]] = [
            { _ in [] }, { $0.dropLast() }, { $0 + [0] }, { [0] + $0 }, { $0.reversed() },
            { [UInt8](repeating: 0, count: $0.count) }, { [UInt8](repeating: 0xFF, count: $0.count) },
            { Array($0.suffix($0.count / 2) + $0.prefix($0.count / 2)) },
            { $0.count == 64 ? Array(try P256.Signing.ECDSASignature(rawRepresentation: $0).derRepresentation) : [1] },
        ]
        for change in changes {
            let forged = try token(header: ["alg": .string(algorithm.rawValue), "kid": .string(id)]) { input in
                try change(key.signature(of: input))
            }
            #expect(try await fixture.refusal(of: forged) == .signature)
        }
    }

    @Test("each part has one spelling: no other character, padding, part or line break gets through")
    func spelling() async throws {
        let fixture = try TokenFixture()
        let good = try fixture.token()
        #expect(try await fixture.refusal(of: good) == nil)
        let parts = good.split(separator: ".").map(String.init)
        let (header, claims, signature) = (parts[0], parts[1], parts[2])
        let bad = [
            "", ".", "..", "...", header, "\(header).\(claims)", "\(header)..\(signature)", ".\(claims).\(signature)",
            "\(good).", ".\(good)", "\(good).\(signature)", "\(header).\(claims)..\(signature)",
            "\(good)\n", "\(good)\r\n", " \(good)", "\(good) ", "\t\(good)", "\(header) .\(claims).\(signature)",
            "\(header).\(claims.prefix(8))\n\(claims.dropFirst(8)).\(signature)",
            "\(good)=", "\(good)==", "\(header)=.\(claims).\(signature)", "\(header).\(claims)==.\(signature)",
            "\(good)A", "\(good)AAAA", "Bearer \(good)", "\"\(good)\"", good.replacing(".", with: "\u{FF0E}"),
            "\(header).\(claims).\(signature)\0",
        ]
        for token in bad {
            let refusal = try #require(await fixture.refusal(of: token))
            #expect(refusal == .malformed || refusal == .signature)
        }
        #expect(try await fixture.refusal(of: "\(header).\(claims).") == .signature)
    }

    @Test("no change of one character leaves a good token", arguments: SignatureAlgorithm.allCases)
    func everyCharacter(algorithm: SignatureAlgorithm) async throws {
        let fixture = try TokenFixture()
        let good = Array(try fixture.token(algorithm).utf8)
        var random = RandomSource.seeded(20_260_401)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for position in good.indices {
            var changed = good
            repeat {
                changed[position] = alphabet[Int(random.next() % 64)]
            } while changed[position] == good[position]
            #expect(try await fixture.refusal(of: String(decoding: changed, as: UTF8.self)) != nil, "at \(position)")
            let short = String(decoding: good[..<position], as: UTF8.self)
            #expect(try await fixture.refusal(of: short) != nil, "cut at \(position)")
        }
    }

    @Test("random bytes in place of a token are refused and crash nothing")
    func noise() async throws {
        let fixture = try TokenFixture()
        var random = RandomSource.seeded(7)
        for _ in 0..<2_000 {
            let length = Int(random.next() % 64)
            let parts = (0..<3).map { _ in Base64URL.encode(random.bytes(length)) }
            #expect(try await fixture.refusal(of: parts.joined(separator: ".")) == .malformed)
            #expect(try await fixture.refusal(of: String(decoding: random.bytes(length), as: UTF8.self)) == .malformed)
        }
    }
}
