import Testing
import WitanAccess
import WitanCore
import WitanJSON

@Suite("Tokens: claims and header")
struct TokenVerifierTests {
    @Test("a good token gives what it says, whatever its algorithm", arguments: SignatureAlgorithm.allCases)
    func good(algorithm: SignatureAlgorithm) async throws {
        let fixture = try TokenFixture()
        let token = try await fixture.verifier.verify(fixture.token(algorithm))
        #expect(token.issuer == TokenFixture.issuer)
        #expect(token.subject == "user-1")
        #expect(token.email == "ada@example.com")
        #expect(token.tokenID == "token-1")
        #expect(token.issuedAt == Timestamp(seconds: 1_700_000_000))
        #expect(token.expiresAt == Timestamp(seconds: 1_700_000_600))
        #expect(!token.isOwnSession)
        #expect(token.sessionUserID == nil)
    }

    @Test(
        "a token without a kid is checked with the only key for its algorithm",
        arguments: SignatureAlgorithm.allCases
    )
    func withoutKeyID(algorithm: SignatureAlgorithm) async throws {
        let fixture = try TokenFixture()
        #expect(try await fixture.refusal(of: fixture.token(algorithm, header: { $0["kid"] = nil })) == nil)
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let refusal: TokenRefusal?
        let apply: @Sendable (inout JSONObject) -> Void

        init(_ text: String, _ refusal: TokenRefusal?, _ apply: @escaping @Sendable (inout JSONObject) -> Void) {
            testDescription = text
            self.refusal = refusal
            self.apply = apply
        }

        /// Sets one member, or removes it.
        init(_ member: String, _ value: JSONValue?, _ refusal: TokenRefusal?) {
            let text = value.map { JSONWriter.string(of: $0) } ?? "absent"
            self.init("\(member) \(text)", refusal) { $0[member] = value }
        }
    }

    static let claimChanges: [Change] = [
        Change("iss", nil, .issuer),
        Change("iss", "https://issuer.example/", .issuer),
        Change("iss", "HTTPS://issuer.example", .issuer),
        Change("iss", "", .issuer),
        Change("iss", ["https://issuer.example"], .issuer),
        Change("aud", nil, .audience),
        Change("aud", "witan2", .audience),
        Change("aud", "Witan", .audience),
        Change("aud", [], .audience),
        Change("aud", ["other", "witan"], nil),
        Change("aud", ["other", ["witan"]], .audience),
        Change("aud", ["witan": true], .audience),
        Change("aud", .null, .audience),
        Change("exp", nil, .claims),
        Change("exp", .null, .claims),
        Change("exp", "1700000600", .claims),
        Change("exp", 1_700_000_000, .expired),
        Change("exp", 1_699_999_999, .expired),
        Change("exp", 1_700_000_000.000_001, nil),
        Change("exp", 1_700_000_000.5, nil),
        Change("exp", 0, .expired),
        Change("exp", -1, .claims),
        Change("exp", 1e300, .claims),
        Change("exp", 253_402_300_800, .claims),
        Change("exp", 253_402_300_799, nil),
        Change("nbf", 1_700_000_060, nil),
        Change("nbf", 1_700_000_061, .notYetValid),
        Change("nbf", 1_700_000_060.000_001, .notYetValid),
        Change("nbf", "1700000000", .claims),
        Change("iat", 1_700_000_060, nil),
        Change("iat", 1_700_000_061, .notYetValid),
        Change("iat", true, .claims),
        Change("iat", nil, nil),
        Change("sub", nil, .claims),
        Change("sub", "", .claims),
        Change("sub", 1, .claims),
        Change("jti", nil, nil),
        Change("jti", 5, .claims),
        Change("email", ["ada@example.com"], .claims),
        Change("unknown", ["of", "any", "kind"], nil),
    ]

    @Test("each claim is required, typed and bounded as RFC 7519 has it", arguments: claimChanges)
    func claims(change: Change) async throws {
        let fixture = try TokenFixture()
        #expect(try await fixture.refusal(of: fixture.token(claims: change.apply)) == change.refusal)
    }

    static let headerChanges: [Change] = [
        Change("alg", nil, .algorithm),
        Change("alg", "none", .algorithm),
        Change("alg", "None", .algorithm),
        Change("alg", "NONE", .algorithm),
        Change("alg", "nOnE", .algorithm),
        Change("alg", "", .algorithm),
        Change("alg", "eddsa", .algorithm),
        Change("alg", "EdDSA ", .algorithm),
        Change("alg", ["EdDSA"], .algorithm),
        Change("alg", .null, .algorithm),
        Change("alg", "HS256", .algorithm),
        Change("alg", "RS384", .algorithm),
        Change("alg", "PS256", .algorithm),
        Change("alg", "ES384", .algorithm),
        Change("alg", "ES256K", .algorithm),
        Change("typ", nil, nil),
        Change("typ", "jwt", nil),
        Change("typ", "at+jwt", nil),
        Change("typ", "application/at+jwt", nil),
        Change("typ", "dpop+jwt", .header),
        Change("typ", "logout+jwt", .header),
        Change("typ", 1, .header),
        Change("crit", [], .header),
        Change("crit", ["exp"], .header),
        Change("b64", true, .header),
        Change("b64", false, .header),
        Change("kid", "p256", .key),
        Change("kid", "unknown", .key),
        Change("kid", "", .key),
        Change("kid", 1, .header),
        Change("kid", .null, .header),
    ]

    @Test("each member of the header is typed and known, or refused", arguments: headerChanges)
    func header(change: Change) async throws {
        let fixture = try TokenFixture()
        #expect(try await fixture.refusal(of: fixture.token(header: change.apply)) == change.refusal)
    }

    @Test("keys that come with a token are never used", arguments: ["jwk", "jku", "x5u", "x5c"])
    func embeddedKeys(member: String) async throws {
        let fixture = try TokenFixture()
        let own = try fixture.keys.otherEd25519.jwk(id: "ed25519")
        let values: [String: JSONValue] = [
            "jwk": .object(own), "jku": "https://attacker.example/keys", "x5u": "https://attacker.example/chain",
            "x5c": ["MIIB"],
        ]
        var header: JSONObject = ["alg": "EdDSA", "kid": "ed25519"]
        header[member] = values[member]
        let forged = try signed(header, TokenFixture.claims, by: fixture.keys.otherEd25519)
        #expect(try await fixture.refusal(of: forged) == .signature)
        let genuine = try signed(header, TokenFixture.claims, by: fixture.keys.ed25519)
        #expect(try await fixture.refusal(of: genuine) == nil)
    }

    @Test("a member given twice is refused, in the header and in the claims, in every spelling")
    func duplicates() async throws {
        let fixture = try TokenFixture()
        let header = #"{"alg":"EdDSA","kid":"ed25519"}"#
        let claims = JSONWriter.string(of: .object(TokenFixture.claims)).dropLast()
        let good = try signed(header, "\(claims)}", by: fixture.keys.ed25519)
        #expect(try await fixture.refusal(of: good) == nil)
        for (header, claims) in [
            (#"{"alg":"EdDSA","alg":"EdDSA","kid":"ed25519"}"#, "\(claims)}"),
            (#"{"alg":"EdDSA","kid":"p256","kid":"ed25519"}"#, "\(claims)}"),
            (header, #"\#(claims),"sub":"user-2"}"#),
            (header, #"\#(claims),"\u0073ub":"user-2"}"#),
            (header, #"\#(claims),"nested":{"a":1,"a":2}}"#),
        ] {
            let token = try signed(header, claims, by: fixture.keys.ed25519)
            #expect(try await fixture.refusal(of: token) == .malformed)
        }
    }

    @Test(
        "claims that are no JSON object are refused",
        arguments: ["", "null", "[]", "1", #""text""#, "{}{}", "{", "\u{FEFF}{}", #"{"exp":NaN}"#, #"{"exp":+1}"#]
    )
    func noObject(claims: String) async throws {
        let fixture = try TokenFixture()
        let token = try signed(#"{"alg":"EdDSA","kid":"ed25519"}"#, claims, by: fixture.keys.ed25519)
        #expect(try await fixture.refusal(of: token) == .malformed)
    }

    @Test("claims that nest deeply are refused, those that nest a little are not")
    func nesting() async throws {
        let fixture = try TokenFixture()
        for (depth, refusal) in [(50, nil), (2_000, TokenRefusal.malformed)] {
            let deep = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            let claims = JSONWriter.string(of: .object(TokenFixture.claims)).dropLast() + #","deep":\#(deep)}"#
            let token = try signed(#"{"alg":"EdDSA","kid":"ed25519"}"#, String(claims), by: fixture.keys.ed25519)
            #expect(try await fixture.refusal(of: token) == refusal)
        }
    }

    @Test("a token of the greatest length is read, a longer one is not")
    func length() async throws {
        let fixture = try TokenFixture()
        let limit = Limits().credentialBytes
        let base = try fixture.token(claims: { $0["filler"] = "" }).utf8.count
        // Three bytes of claims are four characters of the token.
        let longest = try fixture.token(claims: { claims in
            claims["filler"] = .string(String(repeating: "x", count: (limit - base) / 4 * 3))
        })
        #expect((limit - 3...limit).contains(longest.utf8.count))
        #expect(try await fixture.refusal(of: longest) == nil)
        #expect(try await fixture.refusal(of: longest + "xxxx") == .tooLong)
    }

    @Test("a token ends at exp, although clocks may differ at its start")
    func time() async throws {
        let fixture = try TokenFixture()
        let token = try fixture.token()
        fixture.clock.advance(by: .seconds(-60))
        #expect(try await fixture.refusal(of: token) == nil)
        fixture.clock.advance(by: .seconds(659) + .microseconds(999_999))
        #expect(try await fixture.refusal(of: token) == nil)
        fixture.clock.advance(by: .microseconds(1))
        #expect(try await fixture.refusal(of: token) == .expired)

        let strict = try TokenFixture(leeway: .zero)
        let future = try strict.token(claims: { $0["nbf"] = 1_700_000_000.000_001 })
        #expect(try await strict.refusal(of: future) == .notYetValid)
        strict.clock.advance(by: .microseconds(1))
        #expect(try await strict.refusal(of: future) == nil)
    }

    @Test("an address counts only when its issuer has not said that it is unverified")
    func email() async throws {
        let fixture = try TokenFixture()
        func email(_ change: (inout JSONObject) -> Void) async throws -> String? {
            try await fixture.verifier.verify(fixture.token(claims: change)).email
        }
        #expect(try await email { $0["email_verified"] = true } == "ada@example.com")
        #expect(try await email { $0["email_verified"] = "true" } == "ada@example.com")
        #expect(try await email { $0["email_verified"] = false } == nil)
        #expect(try await email { $0["email_verified"] = "false" } == nil)
        #expect(try await email { $0["email_verified"] = .null } == nil)
        #expect(try await email { $0["email"] = nil } == nil)
        #expect(try await email { $0["email"] = "" } == nil)
    }

    @Test("the claim that holds the address is configurable")
    func emailClaim() async throws {
        let fixture = try TokenFixture(emailClaim: "https://example.com/mail")
        let token = try fixture.token(claims: { $0["https://example.com/mail"] = "grace@example.com" })
        #expect(try await fixture.verifier.verify(token).email == "grace@example.com")
        #expect(try await fixture.verifier.verify(fixture.token()).email == nil)
    }

    @Test("the caller is told one sentence for every reason, with nothing of the token in it")
    func oneSentence() async throws {
        let fixture = try TokenFixture()
        var sentences: Set<String> = []
        for token in [
            "", "a.b.c", try fixture.token(claims: { $0["exp"] = 1 }),
            try fixture.token(header: { $0["kid"] = "other" }),
            try fixture.token() + "A", String(repeating: "x", count: 10_000),
        ] {
            let failure = await #expect(throws: Failure.self) { try await fixture.verifier.verify(token) }
            #expect(failure?.code == .unauthenticated)
            sentences.insert(failure?.message ?? "")
        }
        #expect(sentences == ["The token is malformed, unknown, expired or revoked; sign in again."])
    }

    @Test("an issuer, an audience and a claim must be named, and an issuer only once")
    func configuration() throws {
        let keys = try KeySet(document: TokenFixture().document)
        #expect(throws: Failure.self) { try TrustedIssuer(name: "", audience: "witan", keys: keys) }
        #expect(throws: Failure.self) { try TrustedIssuer(name: "issuer", audience: "", keys: keys) }
        #expect(throws: Failure.self) {
            try TrustedIssuer(name: "issuer", audience: "witan", emailClaim: "", keys: keys)
        }
        let issuer = try TrustedIssuer(name: "issuer", audience: "witan", keys: keys)
        #expect(throws: Failure.self) {
            try TokenVerifier(issuers: [issuer, issuer], time: TokenTestClock().source)
        }
    }
}
