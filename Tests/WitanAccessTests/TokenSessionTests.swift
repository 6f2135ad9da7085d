import Testing
import WitanAccess
import WitanCore
import WitanJSON

@Suite("Tokens: the server's own sessions")
struct TokenSessionTests {
    private let fixture: TokenFixture
    private let key: SigningKey
    private let sessions: SessionTokenIssuer
    private let verifier: TokenVerifier
    private let user = ObjectID(high: 0x0193_0000_0000_7000, low: 0x8000_0000_0000_0001)

    init() throws {
        fixture = try TokenFixture()
        key = try SigningKey(seed: [UInt8](repeating: 7, count: 32))
        sessions = try SessionTokenIssuer(
            key: key,
            issuer: "https://witan.example",
            audience: "https://witan.example",
            time: fixture.clock.source,
            random: .seeded(3)
        )
        let outside = try TrustedIssuer(
            name: TokenFixture.issuer,
            audience: TokenFixture.audience,
            keys: KeySet(document: fixture.document)
        )
        verifier = try TokenVerifier(issuers: [sessions.trusted, outside], time: fixture.clock.source)
    }

    @Test("a session names its user, and ends when it says")
    func issued() async throws {
        let session = try sessions.issue(
            userID: user,
            email: "ada@example.com",
            name: "Ada \"L\" 🦊",
            lifetime: .seconds(3_600) + .milliseconds(900)
        )
        let token = try await verifier.verify(session.text)
        #expect(token.isOwnSession)
        #expect(token.sessionUserID == user)
        #expect(token.subject == user.description)
        #expect(token.email == "ada@example.com")
        #expect(token.tokenID == session.id)
        #expect(token.issuedAt == Timestamp(seconds: 1_700_000_000))
        #expect(token.expiresAt == Timestamp(seconds: 1_700_003_600))
        #expect(session.expiresAt == token.expiresAt)
        fixture.clock.advance(by: .seconds(3_600))
        #expect(try await verifier.refusal(of: session.text) == .expired)
    }

    @Test("two sessions have two ids")
    func ids() throws {
        let ids = try (0..<100)
            .map { _ in
                try sessions.issue(userID: user, email: "ada@example.com", lifetime: .seconds(60)).id
            }
        #expect(Set(ids).count == 100)
        #expect(ids.allSatisfy { $0.count == 22 })
    }

    @Test("an outside issuer cannot sign for the server, nor the server for an outside issuer")
    func separation() async throws {
        var ownClaims = TokenFixture.claims
        ownClaims["iss"] = "https://witan.example"
        ownClaims["aud"] = "https://witan.example"
        ownClaims["sub"] = .string(user.description)
        #expect(try await verifier.refusal(of: key.sign(ownClaims)) == nil)
        for header: JSONObject in [["alg": "EdDSA", "kid": "ed25519"], ["alg": "EdDSA"]] {
            let forged = try signed(header, ownClaims, by: fixture.keys.ed25519)
            #expect([.key, .signature].contains(try await verifier.refusal(of: forged)))
        }
        let stolen = try signed(["alg": "EdDSA", "kid": .string(key.id)], ownClaims, by: fixture.keys.ed25519)
        #expect(try await verifier.refusal(of: stolen) == .signature)
        #expect(try await verifier.refusal(of: key.sign(TokenFixture.claims)) == .key)
        #expect(try await verifier.refusal(of: fixture.token()) == nil)
    }

    @Test("an outside issuer's subject is no user id of ours, whatever it looks like")
    func outsideSubject() async throws {
        let token = try await verifier.verify(fixture.token(claims: { $0["sub"] = .string(user.description) }))
        #expect(token.sessionUserID == nil)
        #expect(!token.isOwnSession)
    }

    @Test("a session of the server's whose subject is no user id is refused")
    func subject() async throws {
        var claims = TokenFixture.claims
        claims["iss"] = "https://witan.example"
        claims["aud"] = "https://witan.example"
        #expect(try await verifier.refusal(of: key.sign(claims)) == .claims)
    }

    @Test("a session that could not be accepted is not issued")
    func bounds() throws {
        #expect(throws: Failure.self) { try sessions.issue(userID: user, email: "", lifetime: .milliseconds(999)) }
        #expect(throws: Failure.self) {
            try sessions.issue(
                userID: user,
                email: "ada@example.com",
                name: String(repeating: "\u{1}", count: 1_024),
                lifetime: .seconds(60)
            )
        }
    }

    @Test("neither a session nor a key shows its secret when it is printed")
    func concealed() throws {
        let session = try sessions.issue(userID: user, email: "ada@example.com", lifetime: .seconds(60))
        var dumped = ""
        dump(session, to: &dumped)
        dump(key, to: &dumped)
        let printed = "\(session) \(String(reflecting: session)) \(key) \(String(reflecting: key)) \(dumped)"
        #expect(!printed.contains(session.text))
        #expect(!printed.contains("7, 7"))
        #expect(Mirror(reflecting: key).children.isEmpty)
    }
}
