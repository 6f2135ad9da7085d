import JWTKit
import Synchronization
import Testing
import WitanAccess
import WitanCore
import WitanHTTP
import WitanJSON
import WitanServices
import WitanTesting

@Suite("Signing in with OpenID Connect", .timeLimit(.minutes(1)))
struct OpenIDConnectClientTests {
    typealias Behaviour = IdentityProvider.Behaviour

    private static let discovery = "/.well-known/openid-configuration"
    private static let email = "ada@example.com"

    // MARK: Success

    @Test(
        "who agrees at the provider is signed in, however the provider wants to know this server",
        arguments: [nil, "client_secret_basic", "client_secret_post", "none"]
    )
    func success(authentication: String?) async throws {
        var behaviour = Behaviour()
        if let authentication {
            behaviour.metadata["token_endpoint_auth_methods_supported"] = [.string(authentication), "private_key_jwt"]
        }
        let secret = authentication == "none" ? nil : IdentityProvider.clientSecret
        try await SignInPlace.run(behaviour, secret: secret) { place async throws in
            #expect(try await place.finish(place.visit()) == Self.email)
        }
    }

    @Test("each sign-in has a state, a nonce and a verifier of its own, which the address does not show")
    func begin() async throws {
        try await SignInPlace.run { place in
            var seen: Set<String> = []
            for _ in 1...3 {
                let (url, pending) = try await place.client.begin(redirectURL: IdentityProvider.redirectURL)
                let query = try QueryString.parse(url.split(separator: "?")[1])
                let parts = pending.text.split(separator: ".").map(String.init)
                #expect(parts[1...3].allSatisfy { $0.utf8.count == 43 })
                #expect(query.first { $0.name == "state" }?.value == parts[1])
                #expect(query.first { $0.name == "nonce" }?.value == parts[2])
                #expect(query.first { $0.name == "code_challenge" }?.value == ProofKey.challenge(of: parts[3]))
                #expect(!url.contains(parts[3]) && !url.contains(IdentityProvider.clientSecret))
                seen.formUnion(parts[1...3])
                #expect(pending.expiresAt == place.clock.now.advanced(by: .seconds(600)))
                #expect("\(pending)" == "OpenIDConnectPending(****)")
            }
            #expect(seen.count == 9)
        }
    }

    @Test("an authorization endpoint keeps the parameters that it has")
    func endpointWithQuery() async throws {
        var behaviour = Behaviour()
        behaviour.metadata["authorization_endpoint"] = "https://id.test/authorize?tenant=1"
        try await SignInPlace.run(behaviour) { place in
            let url = try await place.client.begin(redirectURL: IdentityProvider.redirectURL).authorizationURL
            #expect(url.hasPrefix("https://id.test/authorize?tenant=1&response_type=code&"))
        }
    }

    @Test("keys that the provider changes are fetched with the first token that needs them")
    func newKey() async throws {
        try await SignInPlace.run { place in
            _ = try await place.finish(place.visit())
            place.provider.change { $0.keyID = "key-2" }
            place.clock.advance(by: .seconds(5))
            #expect(try await place.finish(place.visit()) == Self.email)
            #expect(place.provider.paths.count { $0 == "/keys" } == 2)
        }
    }

    // MARK: What the browser comes back with

    struct Callback: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let reason: OpenIDConnectRefusal.Reason
        var metadata: JSONObject = [:]
        let change: @Sendable (inout SignInPlace.Visit) -> Void

        init(
            _ testDescription: String,
            _ reason: OpenIDConnectRefusal.Reason,
            metadata: JSONObject = [:],
            _ change: @escaping @Sendable (inout SignInPlace.Visit) -> Void
        ) {
            self.testDescription = testDescription
            self.reason = reason
            self.metadata = metadata
            self.change = change
        }
    }

    @Test(
        "an answer that is not to this sign-in is refused before the provider is asked for anything",
        arguments: [
            Callback("another state", .state) {
                $0.query[1].value = Base64URL.encode([UInt8](repeating: 7, count: 32))
            },
            Callback("a longer state", .state) { $0.query[1].value += "A" },
            Callback("no state", .state) { $0.query.remove(at: 1) },
            Callback("no state, and an error", .state) { $0.query = [("error", "access_denied")] },
            Callback("two states", .query) { $0.query.append($0.query[1]) },
            Callback("two codes", .query) { $0.query.append($0.query[0]) },
            Callback("no code", .query) { $0.query.remove(at: 0) },
            Callback("an empty code", .query) { $0.query[0].value = "" },
            Callback("another issuer", .responseIssuer) { $0.query.append(("iss", "https://evil.test")) },
            Callback("an issuer with a slash", .responseIssuer) { $0.query.append(("iss", "https://id.test/")) },
            Callback(
                "no issuer, where one is promised",
                .responseIssuer,
                metadata: ["authorization_response_iss_parameter_supported": true]
            ) { _ in },
        ]
    )
    func callback(wrong: Callback) async throws {
        try await SignInPlace.run(Behaviour(metadata: wrong.metadata)) { place in
            let failure = try await place.refusal(wrong.change)
            #expect(failure.signInRefusal == wrong.reason)
            #expect(failure.code == (wrong.reason == .query ? .invalidRequest : .unauthenticated))
            #expect(!place.provider.paths.contains("/token"))
        }
    }

    @Test("an answer with the right issuer is taken, and must have it where the provider promises it")
    func responseIssuer() async throws {
        let metadata: JSONObject = ["authorization_response_iss_parameter_supported": true]
        try await SignInPlace.run(Behaviour(metadata: metadata)) { place in
            var visit = try await place.visit()
            visit.query.append(("iss", IdentityProvider.issuer))
            #expect(try await place.finish(visit) == Self.email)
        }
    }

    @Test("a sign-in ends after ten minutes, and one that would end later was not begun here")
    func pendingTime() async throws {
        try await SignInPlace.run { place in
            let visit = try await place.visit()
            place.clock.advance(by: .seconds(-11))
            #expect(try await place.refusal(of: visit).signInRefusal == .pending)
            place.clock.advance(by: .seconds(611))
            #expect(try await place.refusal(of: visit).signInRefusal == .pending)
            #expect(!place.provider.paths.contains("/token"))
            #expect(try await place.finish(place.visit()) == Self.email)
        }
    }

    @Test("another browser's sign-in is not finished with this one's answer")
    func otherBrowser() async throws {
        try await SignInPlace.run { place in
            let other = try await place.visit()
            let failure = try await place.refusal { $0.pending = other.pending }
            #expect(failure.signInRefusal == .state)
        }
    }

    @Test(
        "what a provider says is shown in plain words, without markup, addresses, and what may be a secret",
        arguments: [
            ("access_denied", nil, "access_denied"),
            ("access_denied", "The user said no.", "access_denied: The user said no."),
            (
                "access_denied", "<script>alert(1)</script> &amp;\r\n\"x\"",
                "access_denied: script alert(1) script amp x"
            ),
            ("login_required", "see https://evil.test/a?b=c", "login_required: see https: evil.test a b c"),
            ("SplxlOBeZQQYbYS6WxSbIA", "x", "an unknown error: x"),
            ("invalid_scope", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.abc", "invalid_scope: ****"),
            ("invalid_request", "the secret is \(IdentityProvider.clientSecret)", "invalid_request"),
            ("server_error", String(repeating: "ab ", count: 100), nil),
            ("temporarily_unavailable", "é\u{202E}x", "temporarily_unavailable: x"),
        ] as [(String, String?, String?)]
    )
    func providerError(code: String, description: String?, shown: String?) async throws {
        try await SignInPlace.run { place in
            let failure = try await place.refusal { visit in
                visit.query[0] = ("error", code)
                if let description { visit.query.append(("error_description", description)) }
            }
            #expect(failure.signInRefusal == .provider)
            #expect(
                failure.code == (code.hasPrefix("temp") || code == "server_error" ? .unavailable : .unauthenticated)
            )
            #expect(failure.message.utf8.count < 300)
            if let shown {
                #expect(
                    failure.message
                        == "Example did not sign you in (\(shown)); sign in again, or ask whoever runs it."
                )
            }
        }
    }

    // MARK: The token endpoint

    @Test("a code counts once, and only for the minute that the provider gives it")
    func usedCode() async throws {
        try await SignInPlace.run { place in
            let visit = try await place.visit()
            _ = try await place.finish(visit)
            let used = try await place.refusal(of: visit)
            #expect(used.signInRefusal == .code && used.code == .unauthenticated)
            let late = try await place.visit()
            place.clock.advance(by: .seconds(60))
            #expect(try await place.refusal(of: late).signInRefusal == .code)
        }
    }

    @Test("a code that was given to another sign-in is worth nothing, since the verifier is not the one for it")
    func injectedCode() async throws {
        try await SignInPlace.run { place in
            let stolen = try await place.visit()
            let failure = try await place.refusal { $0.query[0] = stolen.query[0] }
            #expect(failure.signInRefusal == .code)
        }
    }

    @Test("a provider that does not know the secret, or takes it in no way, tells the operator what to check")
    func wrongSecret() async throws {
        try await SignInPlace.run(secret: "another secret".replacing(" ", with: "-")) { place in
            let failure = try await place.refusal()
            #expect(failure.signInRefusal == .client && failure.code == .unavailable)
            #expect(failure.message.contains("oidc-client-secret"))
        }
        let metadata: JSONObject = ["token_endpoint_auth_methods_supported": ["private_key_jwt"]]
        try await SignInPlace.run(Behaviour(metadata: metadata)) { place async throws in
            #expect(try await place.refusal().signInRefusal == .clientAuthentication)
        }
    }

    struct Away: Error {}

    struct Answer: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let reason: OpenIDConnectRefusal.Reason
        let answer: @Sendable () async throws -> (status: Int, body: [UInt8])

        init(
            _ testDescription: String,
            _ reason: OpenIDConnectRefusal.Reason,
            _ answer: @escaping @Sendable () async throws -> (status: Int, body: [UInt8])
        ) {
            self.testDescription = testDescription
            self.reason = reason
            self.answer = answer
        }

        /// What no provider should answer, wherever it is asked.
        static let wrong = [
            Answer("nothing", .unreachable) { throw Away() },
            Answer("500", .unreachable) { (500, []) },
            Answer("503 with a page", .unreachable) { (503, Array("<html>".utf8)) },
            Answer("429", .unreachable) { (429, []) },
            Answer("200 with a huge body", .answer) {
                (200, [UInt8](repeating: UInt8(ascii: " "), count: 1 << 20 + 1))
            },
            Answer("200 with a broken body", .answer) { (200, Array(#"{"issuer":"#.utf8)) },
            Answer("200 with a member twice", .answer) { (200, Array(#"{"id_token":"a","id_token":"b"}"#.utf8)) },
            Answer("200 with deep JSON", .answer) { (200, [UInt8](repeating: UInt8(ascii: "["), count: 100_000)) },
            Answer("200 with an array", .answer) { (200, Array("[]".utf8)) },
            Answer("200 with no UTF-8", .answer) { (200, [0x7B, 0xFF, 0x7D]) },
        ]
    }

    @Test(
        "whatever the token endpoint answers ends in a sentence",
        arguments: Answer.wrong + [
            Answer("302", .answer) { (302, []) },
            Answer("404", .answer) { (404, Array("not here".utf8)) },
            Answer("401 with a page", .client) { (401, Array("<html>".utf8)) },
            Answer("200 with nothing in it", .answer) { (200, Array("{}".utf8)) },
            Answer("200 with a number as the token", .answer) { (200, Array(#"{"id_token":1}"#.utf8)) },
            Answer("200 with text as the token", .identityToken) { (200, Array(#"{"id_token":"a.b.c"}"#.utf8)) },
            Answer("200 with a huge token", .identityToken) {
                (200, Array(#"{"id_token":"\#(String(repeating: "a", count: 64 << 10 + 1))"}"#.utf8))
            },
        ]
    )
    func tokenEndpoint(wrong: Answer) async throws {
        try await SignInPlace.run(Behaviour(answers: ["/token": wrong.answer])) { place in
            let failure = try await place.refusal()
            #expect(failure.signInRefusal == wrong.reason)
            #expect(failure.message.hasPrefix("Example "))
        }
    }

    // MARK: The ID token

    struct Forgery: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let refusal: String
        var behaviour = Behaviour()

        init(_ testDescription: String, _ refusal: String, _ change: (inout Behaviour) -> Void) {
            self.testDescription = testDescription
            self.refusal = refusal
            change(&behaviour)
        }
    }

    @Test(
        "an ID token that is not the provider's, for this server, now, and for this sign-in is refused",
        arguments: [
            Forgery("another key's", "identityToken: signature") { $0.signing = .withOtherKey },
            Forgery("unsigned", "identityToken: algorithm") { $0.signing = .notAtAll },
            Forgery("another issuer's", "identityToken: issuer") { $0.claims = { $0.iss = "https://evil.test" } },
            Forgery("the issuer's with a slash", "identityToken: issuer") { $0.claims = { $0.iss += "/" } },
            Forgery("another audience's", "identityToken: audience") { $0.claims = { $0.aud = "other" } },
            Forgery("expired", "identityToken: expired") { $0.claims = { $0.exp = ($0.iat ?? 0) } },
            Forgery("of tomorrow", "identityToken: notYetValid") { $0.claims = { $0.iat = ($0.iat ?? 0) + 86_400 } },
            Forgery("without a time", "claims") { $0.claims = { $0.iat = nil } },
            Forgery("about nobody", "identityToken: claims") { $0.claims = { $0.sub = nil } },
            Forgery("about a long name", "claims") { $0.claims = { $0.sub = String(repeating: "a", count: 256) } },
            Forgery("about a name with a letter that is not ASCII", "claims") { $0.claims = { $0.sub = "ä" } },
            Forgery("with another nonce", "nonce") {
                $0.claims = { $0.nonce = Base64URL.encode([UInt8](repeating: 7, count: 32)) }
            },
            Forgery("without a nonce", "nonce") { $0.claims = { $0.nonce = nil } },
            Forgery("for two services, issued to nobody", "authorizedParty") {
                $0.claims = { $0.aud = .init(value: [IdentityProvider.clientID, "other"]) }
            },
            Forgery("for two services, issued to the other", "authorizedParty") {
                $0.claims = {
                    $0.aud = .init(value: [IdentityProvider.clientID, "other"])
                    $0.azp = "other"
                }
            },
            Forgery("issued to another", "authorizedParty") { $0.claims = { $0.azp = "other" } },
        ]
    )
    func forgery(wrong: Forgery) async throws {
        try await SignInPlace.run(wrong.behaviour) { place in
            let failure = try await place.refusal()
            #expect(failure.underlying.map { "\($0)" } == wrong.refusal)
            #expect(failure.code == .unauthenticated)
        }
    }

    @Test("a token for several services is taken when it was issued to this one")
    func severalAudiences() async throws {
        let behaviour = Behaviour(claims: {
            $0.aud = .init(value: ["other", IdentityProvider.clientID])
            $0.azp = IdentityProvider.clientID
        })
        try await SignInPlace.run(behaviour) { place async throws in
            #expect(try await place.finish(place.visit()) == Self.email)
        }
    }

    @Test("without the provider's keys nobody is signed in, and a little later somebody is", arguments: Answer.wrong)
    func keysAway(wrong: Answer) async throws {
        try await SignInPlace.run(Behaviour(answers: ["/keys": wrong.answer])) { place in
            let failure = try await place.refusal()
            #expect(failure.signInRefusal == .unreachable && failure.code == .unavailable)
            place.provider.change { $0.answers = [:] }
            place.clock.advance(by: .seconds(5))
            #expect(try await place.finish(place.visit()) == Self.email)
        }
    }

    // MARK: The address

    @Test("an address that the ID token lacks comes from the user info, which must be about the same person")
    func userInfo() async throws {
        let bare: @Sendable (inout IdentityProvider.Claims) -> Void = {
            $0.email = nil
            $0.isEmailVerified = nil
        }
        let good: JSONObject = ["sub": "248289761001", "email": "ada@example.com", "email_verified": true]
        try await SignInPlace.run(Behaviour(claims: bare, userInfo: good)) { place async throws in
            #expect(try await place.finish(place.visit()) == Self.email)
        }
        for (change, reason) in [
            ({ $0["sub"] = "248289761002" }, .userInfoSubject), ({ $0["sub"] = 248_289_761_001 }, .userInfoSubject),
            ({ $0["email_verified"] = false }, .email), ({ $0["email_verified"] = .null }, .email),
            ({ $0["email"] = "nobody" }, .email), ({ $0["email"] = .null }, .email),
        ] as [((inout JSONObject) -> Void, OpenIDConnectRefusal.Reason)] {
            var wrong = good
            change(&wrong)
            try await SignInPlace.run(Behaviour(claims: bare, userInfo: wrong)) { place in
                let failure = try await place.refusal()
                #expect(failure.signInRefusal == reason && failure.code == .unauthenticated)
            }
        }
        // Half of it here and half of it there is nothing that the provider has said.
        for half in [
            { $0.isEmailVerified = nil }, { $0.email = nil },
        ] as [@Sendable (inout IdentityProvider.Claims) -> Void] {
            try await SignInPlace.run(Behaviour(claims: half, userInfo: ["sub": "248289761001"])) {
                place async throws in
                #expect(try await place.refusal().signInRefusal == .email)
            }
        }
    }

    @Test("whatever the user info endpoint answers ends in a sentence", arguments: Answer.wrong)
    func userInfoEndpoint(wrong: Answer) async throws {
        let behaviour = Behaviour(claims: { $0.email = nil }, answers: ["/userinfo": wrong.answer])
        try await SignInPlace.run(behaviour) { place in
            let failure = try await place.refusal()
            #expect(failure.signInRefusal == wrong.reason)
        }
    }

    @Test("an address that the provider has not verified signs nobody in, whatever the user info says")
    func unverified() async throws {
        let behaviour = Behaviour(
            claims: { $0.isEmailVerified = false },
            userInfo: ["sub": "248289761001", "email": "ada@example.com", "email_verified": true]
        )
        try await SignInPlace.run(behaviour) { place in
            let failure = try await place.refusal()
            #expect(failure.signInRefusal == .email && failure.code == .unauthenticated)
            #expect(!place.provider.paths.contains("/userinfo"))
        }
    }

    // MARK: Discovery

    @Test("what the provider says of itself is fetched once an hour, and its keys too")
    func discoveryIsKept() async throws {
        try await SignInPlace.run { place in
            for _ in 1...3 { _ = try await place.finish(place.visit()) }
            #expect(place.provider.paths.count { $0 == Self.discovery } == 1)
            place.clock.advance(by: .seconds(3_599))
            _ = try await place.visit()
            #expect(place.provider.paths.count { $0 == Self.discovery } == 1)
            place.clock.advance(by: .seconds(1))
            _ = try await place.visit()
            #expect(place.provider.paths.count { $0 == Self.discovery } == 2)
        }
    }

    @Test("a provider that is away is left alone for five seconds, and then asked again", arguments: Answer.wrong)
    func discoveryAway(wrong: Answer) async throws {
        try await SignInPlace.run(Behaviour(answers: [Self.discovery: wrong.answer])) { place in
            let first = try await place.refusal()
            #expect(first.signInRefusal == wrong.reason)
            #expect(first.code == .unavailable)
            // The keys are wanted as soon as the client runs, and left alone for as long from then on.
            for await _ in place.failedFetches.prefix(1) {}
            let count = place.provider.paths.count
            place.provider.change { $0.answers = [:] }
            place.clock.advance(by: .seconds(3))
            let second = try await place.refusal()
            #expect(second.signInRefusal == first.signInRefusal)
            #expect(second.retryAfter == .seconds(2))
            #expect(place.provider.paths.count == count)
            place.clock.advance(by: .seconds(2))
            #expect(try await place.finish(place.visit()) == Self.email)
        }
    }

    @Test(
        "a redirect is not followed, and no answer is an answer",
        arguments: ["/.well-known/openid-configuration", "/keys", "/token", "/userinfo"]
    )
    func redirects(path: String) async throws {
        for status in [301, 302, 307, 308, 204, 404] {
            let behaviour = Behaviour(
                claims: { $0.email = nil },
                answers: [path: { (status, Array(#"{"issuer":"https://id.test"}"#.utf8)) }]
            )
            try await SignInPlace.run(behaviour) { place in
                let failure = try await place.refusal()
                let expected: OpenIDConnectRefusal.Reason =
                    switch path {
                    case Self.discovery: .metadata
                    case "/keys": .unreachable
                    default: .answer
                    }
                #expect(failure.signInRefusal == expected && failure.code == .unavailable)
            }
        }
    }

    struct Document: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let reason: OpenIDConnectRefusal.Reason
        let metadata: JSONObject

        init(_ member: String, _ value: JSONValue, _ reason: OpenIDConnectRefusal.Reason) {
            testDescription = "\(member) \(JSONWriter.string(of: value))"
            self.reason = reason
            metadata = [member: value]
        }
    }

    @Test(
        "a provider that calls itself otherwise, or sends people over an open network, is not asked for anything",
        arguments: [
            Document("issuer", "https://id.test/", .issuer), Document("issuer", "https://ID.test", .issuer),
            Document("issuer", "https://evil.test", .issuer), Document("issuer", .null, .issuer),
            Document("authorization_endpoint", "http://id.test/authorize", .metadata),
            Document("authorization_endpoint", "javascript:alert(1)", .metadata),
            Document("authorization_endpoint", "https://id.test/#a", .metadata),
            Document("authorization_endpoint", "https://id.test/\r\nX: y", .metadata),
            Document("authorization_endpoint", .null, .metadata),
            Document("token_endpoint", "http://id.test/token", .metadata),
            Document("token_endpoint", "http://127.0.0.1/token", .metadata),
            Document("token_endpoint", "https://user:password@id.test/token", .metadata),
            Document("jwks_uri", "http://localhost/keys", .metadata), Document("jwks_uri", "file:///etc", .metadata),
            Document("userinfo_endpoint", "http://id.test/userinfo", .metadata),
            Document("userinfo_endpoint", 1, .metadata),
        ]
    )
    func metadata(wrong: Document) async throws {
        try await SignInPlace.run(Behaviour(metadata: wrong.metadata)) { place in
            let failure = try await place.refusal()
            #expect(failure.signInRefusal == wrong.reason && failure.code == .unavailable)
            #expect(failure.message.contains("oidc-issuer"))
            #expect(Set(place.provider.paths) == [Self.discovery])
        }
    }

    @Test("twenty people who come at once share one fetch, and one who leaves takes nobody's answer away")
    func discoveryIsShared() async throws {
        let gate = Gate()
        let clock = FakeClock()
        let provider = IdentityProvider(.init(), time: clock.source)
        let client = try OpenIDConnectClient(
            configuration: OpenIDConnectConfiguration(
                issuer: IdentityProvider.issuer,
                clientID: IdentityProvider.clientID
            ),
            time: clock.source,
            random: .seeded(1),
            onFailure: { _ in },
            fetch: { request in
                await gate.pass()
                try Task.checkCancellation()
                return try await provider.answer(request)
            }
        )
        try await withThrowingTaskGroup(of: Void.self) { leaving in
            leaving.addTask { _ = try await client.begin(redirectURL: IdentityProvider.redirectURL) }
            await gate.waitForVisitor()
            try await withThrowingTaskGroup(of: Void.self) { staying in
                for _ in 1...20 {
                    staying.addTask { _ = try await client.begin(redirectURL: IdentityProvider.redirectURL) }
                }
                leaving.cancelAll()
                gate.open()
                await #expect(throws: Failure.self) { try await leaving.waitForAll() }
                gate.open()
                try await staying.waitForAll()
            }
        }
        #expect(provider.paths == [Self.discovery])
    }

    // MARK: Settings and texts

    @Test("a server that people reach over an open network cannot begin")
    func redirect() async throws {
        try await SignInPlace.run { place in
            for url in [
                "http://witan.test/signin/oidc/callback", "witan.test", "https://", "http://127.0.0.1.evil.test/",
            ] {
                do throws(Failure) {
                    _ = try await place.client.begin(redirectURL: url)
                    Issue.record("\(url) was taken.")
                } catch {
                    #expect(error.signInRefusal == .redirect)
                }
            }
            for url in ["http://127.0.0.1:8000/x", "http://localhost/x", "http://[::1]:8000/x"] {
                _ = try await place.client.begin(redirectURL: url)
            }
        }
    }

    @Test("a provider on this machine may be http, with addresses on this machine")
    func loopback() throws {
        let issuers = ["https://id.test", "https://id.test/tenant/v2.0", "http://localhost:9400", "http://127.0.0.1:1"]
        for issuer in issuers {
            _ = try OpenIDConnectConfiguration(issuer: issuer, clientID: "x")
        }
        let wrong = [
            "", "id.test", "http://id.test", "ftp://id.test", "https://", "https:///x", "https://id.test?a",
            "https://a b",
            "https://id.test#a", "https://a@id.test", "http://localhost.evil.test", "http://127.1", "https://id.test:x",
            "https://id.test:+1", "https://id.test:65536", "https://id.tést", "https://id.test\\evil",
        ]
        for issuer in wrong {
            #expect(throws: Failure.self, "\(issuer)") {
                try OpenIDConnectConfiguration(issuer: issuer, clientID: "x")
            }
        }
    }

    @Test("settings that cannot be used are refused by name, and no refusal shows the secret")
    func settings() throws {
        func refusal(
            clientID: String = "x",
            secret: String? = nil,
            scopes: String = "openid",
            name: String = "x"
        ) -> String? {
            do throws(Failure) {
                _ = try OpenIDConnectConfiguration(
                    issuer: "https://id.test",
                    clientID: clientID,
                    clientSecret: secret.map { OpenIDConnectSecret($0) },
                    scopes: scopes,
                    displayName: name
                )
                return nil
            } catch {
                return error.message
            }
        }
        #expect(refusal() == nil)
        for clientID in ["", "a b", "ä", "a\n"] {
            #expect(refusal(clientID: clientID)?.contains("oidc-client-id") == true)
        }
        for secret in ["", "hush hush", "hush\n"] {
            let refusal = try #require(refusal(secret: secret))
            #expect(refusal.contains("oidc-client-secret") && !refusal.contains("hush"))
        }
        for scopes in ["", "email", "openid  email", " openid", "openid\temail", "openidemail"] {
            #expect(refusal(scopes: scopes)?.contains("oidc-scopes") == true)
        }
        for name in ["", " ", "a\nb", "a\u{202E}b", String(repeating: "a", count: 65)] {
            #expect(refusal(name: name)?.contains("oidc-name") == true)
        }
        #expect("\(OpenIDConnectSecret("hush"))" == "OpenIDConnectSecret(****)")
    }

    @Test("what the browser keeps is taken as it was given, and in no other form")
    func pendingText() async throws {
        let text = try await SignInPlace.run { try await $0.client.begin(redirectURL: "https://x").pending.text }
        #expect(try OpenIDConnectPending(parsing: text).text == text)
        #expect(text.utf8.allSatisfy { $0 == UInt8(ascii: ".") || Base64URL.decode([$0, $0, $0, $0]) != nil })
        let parts = text.split(separator: ".").map(String.init)
        for wrong in [
            "", ".", "....", "2" + text.dropFirst(), text + ".", "." + text, " " + text, text + " ",
            String(text.dropLast(parts[4].count)), text.replacing(parts[4], with: "-1"),
            text.replacing(parts[4], with: "0" + parts[4]), text.replacing(parts[4], with: "+" + parts[4]),
            text.replacing(parts[4], with: "253402300800"), text.replacing(parts[1], with: ""),
            text.replacing(parts[1], with: "A" + parts[1]), text.replacing(parts[2], with: parts[2].dropLast() + "="),
            text.replacing(parts[3], with: "é" + parts[3].dropFirst()), String(repeating: text, count: 1_000),
        ] {
            do throws(Failure) {
                _ = try OpenIDConnectPending(parsing: wrong)
                Issue.record("A text was taken that is another: \(wrong)")
            } catch {
                #expect(error.signInRefusal == .pending && error.code == .unauthenticated)
            }
        }
    }

    @Test("the challenge of RFC 7636, appendix B")
    func challenge() {
        #expect(
            ProofKey.challenge(of: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
                == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        )
    }
}

/// A door that lets one visitor through each time that it is opened.
private final class Gate: Sendable {
    private let openings = AsyncStream.makeStream(of: Void.self)
    private let visitors = AsyncStream.makeStream(of: Void.self)

    func pass() async {
        visitors.continuation.yield()
        for await _ in openings.stream { return }
    }

    func open() { openings.continuation.yield() }

    func waitForVisitor() async {
        for await _ in visitors.stream { return }
    }
}
