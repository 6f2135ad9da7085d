import Crypto
import CryptoExtras
import Foundation
import JWTKit
import Testing
import WitanAccess
import WitanCore

/// The same tokens and keys, seen by an implementation that somebody else wrote.
@Suite("Tokens: JWTKit")
struct TokenInteroperabilityTests {
    struct Claims: JWTPayload, Equatable {
        var iss = IssuerClaim(value: TokenFixture.issuer)
        var aud = AudienceClaim(value: [TokenFixture.audience])
        var sub = SubjectClaim(value: "user-1")
        var email = "ada@example.com"
        var exp = ExpirationClaim(value: Date(timeIntervalSince1970: 1_700_000_600.25))

        func verify(using algorithm: some JWTAlgorithm) {}
    }

    @Test("tokens that JWTKit signs are accepted", arguments: SignatureAlgorithm.allCases)
    func theirs(algorithm: SignatureAlgorithm) async throws {
        let fixture = try TokenFixture()
        let (id, key) = fixture.key(for: algorithm)
        let collection = JWTKeyCollection()
        let identifier = JWKIdentifier(string: id)
        switch key {
        case .rsa(let key):
            let key = try Insecure.RSA.PrivateKey(pem: key.pemRepresentation)
            await collection.add(rsa: key, digestAlgorithm: .sha256, kid: identifier)
        case .p256(let key): await collection.add(ecdsa: try ES256PrivateKey(backing: key), kid: identifier)
        case .ed25519(let key): await collection.add(eddsa: EdDSA.PrivateKey(backing: key), kid: identifier)
        }
        let token = try await fixture.verifier.verify(collection.sign(Claims(), kid: identifier))
        #expect(token.email == "ada@example.com")
        #expect(token.expiresAt == Timestamp(microseconds: 1_700_000_600_250_000))
    }

    @Test("sessions that the server issues are accepted by JWTKit with the published document")
    func ours() async throws {
        let key = try SigningKey(seed: Array(32..<64))
        let issuer = try SessionTokenIssuer(
            key: key,
            issuer: TokenFixture.issuer,
            audience: TokenFixture.audience,
            time: TokenTestClock().source,
            random: .seeded(1)
        )
        let user = ObjectID(high: 1, low: 2)
        let session = try issuer.issue(userID: user, email: "ada@example.com", lifetime: .seconds(600))
        let collection = JWTKeyCollection()
        try await collection.add(jwksJSON: String(decoding: key.publicDocument, as: UTF8.self))
        let claims = try await collection.verify(session.text, as: Claims.self)
        #expect(claims.iss.value == TokenFixture.issuer)
        #expect(claims.sub.value == user.description)
        #expect(claims.exp.value == Date(timeIntervalSince1970: 1_700_000_600))
    }
}
