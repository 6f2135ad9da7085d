import HTTPTypes
import Synchronization
import Testing
import WitanAccess
import WitanCore
import WitanEngines
import WitanHTTP
import WitanJSON
import WitanServices
import WitanStorage
import WitanTesting

@testable import WitanConsole

/// What counts as a failed sign-in, and what whoever runs the server is told of it.
@Suite("Failed sign-ins count for whose they are, and are told to whoever can mend them")
struct SignInFailureTests {
    private static let password = "correct horse battery staple"
    private static let callback = "/signin/oidc/callback"

    /// Runs a server at which the owner signs in with a provider.
    private static func run(
        secret: String = IdentityProvider.clientSecret,
        on base: (any SQLDatabase)? = nil,
        _ body: @escaping @Sendable (SignInPlace, TestServer) async throws -> Void
    ) async throws {
        let behaviour = IdentityProvider.Behaviour(claims: { $0.email = "owner@acme.test" })
        try await SignInPlace.run(behaviour, secret: secret) { place in
            var options = TestServer.Options()
            options.openID = place.client
            guard let base else {
                return try await TestServer.run(on: .chosen, options) { try await body(place, $0) }
            }
            options.configuration.limits.transactionWaitDuration = .seconds(10)
            try await TestServer.run(on: base, options) { try await body(place, $0) }
        }
    }

    /// Goes to the provider, agrees, and comes back.
    private static func signIn(
        _ browser: TestBrowser,
        at place: SignInPlace,
        _ change: (inout [(name: String, value: String)]) -> Void = { _ in }
    ) async throws -> TestServer.Answer {
        let begun = try await browser.get("/signin/oidc")
        var query = try place.provider.authorize(try #require(begun.header("location")))
        change(&query)
        return try await browser.get(callback + FormFields.query(query.map { ($0.name, $0.value) }))
    }

    // MARK: What counts

    @Test("where another site's pages send a browser, nothing counts as an attempt to sign in")
    func foreignCallbacks() async throws {
        try await Self.run { place, server async throws in
            // As an image is asked for: without the cookie.
            for _ in 1...25 {
                #expect(try await TestBrowser(server).get(Self.callback + "?code=x&state=y").status == 401)
            }
            // As a link is followed: with the cookie of a sign-in that has begun.
            let browser = TestBrowser(server)
            for _ in 1...25 {
                let answer = try await Self.signIn(browser, at: place) { $0[1].value = "y" }
                #expect(answer.status == 401)
            }
            #expect(try await Self.signIn(browser, at: place).status == 303)
        }
    }

    @Test("a code that the provider does not take counts")
    func wrongCodes() async throws {
        try await Self.run { place, server async throws in
            let browser = TestBrowser(server)
            var statuses: [Int] = []
            for _ in 1...21 {
                statuses.append(try await Self.signIn(browser, at: place) { $0[0].value = "guessed" }.status)
            }
            #expect(statuses == Array(repeating: 401, count: 20) + [429])
            #expect(try await Self.signIn(browser, at: place).headers[values: .retryAfter].count == 1)
        }
    }

    @Test("what is not available now, the provider or the server itself, is no failure of the person's")
    func unavailable() async throws {
        try await Self.run { place, server async throws in
            let caller = try await server.accounts.caller(email: server.owner.email)
            try await server.signIn.setPassword(Self.password, current: nil, for: caller)
            let browser = TestBrowser(server)
            place.provider.change { $0.answers["/token"] = { (503, []) } }
            for _ in 1...25 { #expect(try await Self.signIn(browser, at: place).status == 503) }
            place.provider.change { $0.answers = [:] }
            #expect(try await Self.signIn(browser, at: place).status == 303)

            let fields: KeyValuePairs = ["email": server.owner.email, "password": Self.password]
            try await browser.get("/signin")
            server.database.isAway = true
            for _ in 1...25 { #expect(try await browser.post("/signin", fields).status == 503) }
            server.database.isAway = false
            #expect(try await browser.post("/signin", fields).status == 303)
        }
    }

    @Test("whoever fails with another's password keeps them from signing in by it, and by no other way")
    func lockedPassword() async throws {
        try await Self.run { place, server async throws in
            let browser = TestBrowser(server)
            var statuses: [Int] = []
            for _ in 1...11 {
                try await browser.get("/signin")
                let fields: KeyValuePairs = ["email": server.owner.email, "password": "wrong wrong wrong"]
                statuses.append(try await browser.post("/signin", fields).status)
            }
            #expect(statuses == Array(repeating: 401, count: 10) + [429])
            #expect(try await Self.signIn(browser, at: place).status == 303)
            _ = try await TestBrowser.signedIn(server.owner, on: server)
        }
    }

    @Test("what cannot be an address costs the same as a wrong password, counts as one, and is shown in part")
    func noAddress() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            func work(_ email: String) async -> [String] {
                await server.database.statements {
                    let origin = RequestOrigin(clientAddress: "192.0.2.1", userAgent: nil, traceID: nil)
                    let failure = await #expect(throws: Failure.self) {
                        try await server.signIn.signIn(email: email, password: Self.password, from: origin)
                    }
                    #expect(failure?.message == Failure.wrongPassword.message)
                }
            }
            let nobodys = await work("nobody@acme.test")
            #expect(!nobodys.isEmpty)
            let longest = String(repeating: "a", count: 244) + "@acme.test"
            for email in ["a" + longest, "nul\u{0}@acme.test", "nobody"] { #expect(await work(email) == nobodys) }

            let browser = TestBrowser(server)
            var statuses: [Int] = []
            for number in 1...8 {
                try await browser.get("/signin")
                let email = "\(number)" + String(repeating: "\"", count: 10_000)
                let answer = try await browser.post("/signin", ["email": email, "password": Self.password])
                #expect(answer.bytes.count < 8 << 10)
                statuses.append(answer.status)
            }
            #expect(statuses == Array(repeating: 401, count: 7) + [429])
            let answer = try await browser.post("/signin", ["email": longest, "password": Self.password])
            #expect(answer.status == 401 && answer.text.contains("value=\"\(longest)\""))
        }
    }

    // MARK: What is told

    @Test("a sign-in that fails at the provider is told in the log, by its reason and without a secret")
    func log() async throws {
        try await Self.run(secret: "another-secret") { place, server async throws in
            let answer = try await Self.signIn(TestBrowser(server), at: place)
            #expect(answer.status == 503 && answer.text.contains("oidc-client-secret"))
            place.provider.change { $0.answers["/token"] = { throw OpenIDConnectClientTests.Away() } }
            #expect(try await Self.signIn(TestBrowser(server), at: place).headers[values: .retryAfter] == ["5"])
            #expect(try Self.warnings(of: server) == ["client", "unreachable: Away()"])
            for secret in place.provider.secrets.union(["another-secret"]) {
                #expect(secret.count < 8 || !server.log.text.contains(secret))
            }
        }
        try await Self.run { place, server async throws in
            place.provider.change { behaviour in
                behaviour.claims = { $0.nonce = "another" }
            }
            for _ in 1...3 { #expect(try await Self.signIn(TestBrowser(server), at: place).status == 401) }
            #expect(try Self.warnings(of: server) == ["nonce"])
            place.provider.change { $0.answers["/.well-known/openid-configuration"] = { (404, []) } }
            place.clock.advance(by: .seconds(3_600))
            server.clock.advance(by: .seconds(3_600))
            #expect(try await TestBrowser(server).get("/signin/oidc").status == 503)
            #expect(try Self.warnings(of: server) == ["nonce", "metadata"])
        }
    }

    /// Why sign-ins failed, by the log, each with a trace of its own.
    private static func warnings(of server: TestServer) throws -> [String] {
        let lines = try server.log.lines().filter { $0["level"] == "warning" }
        #expect(Set(lines.compactMap { $0["trace_id"]?.string }).count == lines.count)
        return lines.compactMap { $0["error"]?.string }
    }

    // MARK: How long it may take

    @Test("a provider that takes its time takes none from the database's")
    func slowProvider() async throws {
        try await Engine.chosen.withDatabase { base in
            let database = PunctualDatabase(base)
            try await Self.run(on: database) { place, server async throws in
                database.keep(to: server.clock)
                place.provider.change { behaviour in
                    behaviour.claims = { claims in
                        claims.email = server.owner.email
                        server.clock.advance(by: .seconds(11))
                    }
                }
                #expect(try await Self.signIn(TestBrowser(server), at: place).status == 303)
            }
        }
    }
}

/// A database that refuses what comes after its request's deadline, by a test's clock.
private final class PunctualDatabase: SQLDatabase {
    private let base: any SQLDatabase
    private let clock = Mutex<FakeClock?>(nil)

    init(_ base: any SQLDatabase) {
        self.base = base
    }

    func keep(to clock: FakeClock) { self.clock.withLock { $0 = clock } }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try requireTime()
        return try await base.read(body)
    }

    func write<Value: Sendable>(
        _ concurrency: WriteConcurrency,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try requireTime()
        return try await base.write(concurrency, body)
    }

    private func requireTime() throws(Failure) {
        guard let clock = clock.withLock(\.self), let deadline = TransactionDeadline.current else { return }
        guard clock.source.monotonic() <= deadline else { throw Failure(.unavailable, "It is too late.") }
    }
}
