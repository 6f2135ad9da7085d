import HTTPTypes
import Testing
import WitanAccess
import WitanCore
import WitanHTTP
import WitanJSON
import WitanTesting

@Suite("Limits")
struct RateLimitTests {
    @Test("429 for a credential beyond its limit, exactly until Retry-After, and for no other credential")
    func credential() async throws {
        var options = TestServer.Options()
        options.configuration.credentialLimit = RateLimit(perSecond: 1, burst: 3)
        try await TestServer.run(options) { server in
            for remaining in [2, 1, 0] {
                let answer = try await server.send(.get, "/v1/api_key", as: server.owner)
                #expect(answer.status == 200)
                #expect(answer.header("ratelimit") == "\"credential\";r=\(remaining);t=\(3 - remaining)")
                #expect(answer.header("ratelimit-policy") == "\"credential\";q=3;w=3")
                #expect(answer.header("retry-after") == nil)
            }
            for _ in 1...2 {
                let refused = try await server.send(.get, "/v1/api_key", as: server.owner)
                #expect(refused.status == 429)
                refused.expectError(path: "/v1/api_key")
                #expect(refused.header("retry-after") == "1")
                #expect(refused.header("ratelimit") == "\"credential\";r=0;t=3")
                #expect(refused.header("ratelimit-policy") == "\"credential\";q=3;w=3")
                server.clock.advance(by: .nanoseconds(499_999_999))
            }
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 429)
            server.clock.advance(by: .nanoseconds(2))
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 200)
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 429)
            #expect(try await server.send(.get, "/v1/api_key", as: server.member).status == 200)
            #expect(try await server.send(.get, "/version").status == 200)
            #expect(try server.sample("witan_rate_limited_total", ["limiter": "credential"]) == 4)
        }
    }

    @Test("429 for an organization beyond its limit, whoever of it asks, and for no other organization")
    func organization() async throws {
        var options = TestServer.Options()
        options.configuration.organizationLimit = RateLimit(1, per: .minute, burst: 2)
        try await TestServer.run(options) { server in
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 200)
            #expect(try await server.send(.get, "/v1/api_key", as: server.member).status == 200)
            let refused = try await server.send(.get, "/v1/api_key", as: server.owner)
            #expect(refused.status == 429)
            #expect(refused.header("retry-after") == "60")
            #expect(refused.header("ratelimit-policy") == "\"organization\";q=2;w=120")
            #expect(try await server.send(.get, "/v1/api_key", as: server.stranger).status == 200)
            #expect(try server.sample("witan_rate_limited_total", ["limiter": "organization"]) == 1)
        }
    }

    @Test("what is left of the limit stands in refusals of another kind as well")
    func errorsTellToo() async throws {
        try await TestServer.run { server in
            for path in ["/v1/api_key/x", "/v1/api_key/00000000-0000-7000-8000-000000000000", "/v1/api_key?limit=x"] {
                let answer = try await server.send(.get, path, as: server.owner)
                #expect([400, 403].contains(answer.status))
                #expect(answer.header("ratelimit") != nil, "\(path)")
            }
        }
    }

    @Test("no limit leaves no header")
    func off() async throws {
        var options = TestServer.Options()
        options.configuration.credentialLimit = nil
        try await TestServer.run(options) { server in
            let answer = try await server.send(.get, "/v1/api_key", as: server.owner)
            #expect(answer.header("ratelimit") == nil)
            #expect(answer.header("ratelimit-policy") == nil)
        }
    }

    @Test("429 for an address after too many bad credentials; a missing one and a known good one do not count")
    func failedAuthentication() async throws {
        var options = TestServer.Options()
        options.failedAuthenticationLimit = RateLimit(perSecond: 1, burst: 2)
        try await TestServer.run(options) { server in
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 200)
            for _ in 1...5 { #expect(try await server.send(.get, "/v1/api_key").status == 401) }
            for _ in 1...2 { #expect(try await bad(server).status == 401) }
            let refused = try await bad(server)
            #expect(refused.status == 429)
            refused.expectError(path: "/v1/api_key")
            #expect(refused.header("retry-after") == "1")
            #expect(refused.header("ratelimit-policy")?.contains(";q=2;") == true)
            #expect(try await server.send(.get, "/v1/api_key", as: server.member).status == 429)
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 200)
            server.clock.advance(by: .seconds(1))
            #expect(try await server.send(.get, "/v1/api_key", as: server.member).status == 200)
            #expect(try await bad(server).status == 401)
            #expect(try server.sample("witan_rate_limited_total", ["limiter": "address"]) == 2)
        }
    }

    @Test("behind a trusted proxy the address is the one that the proxy was called by")
    func trustedProxy() async throws {
        var options = try liveOptions()
        options.configuration.trustedProxies = try TrustedProxies(parsing: ["127.0.0.1", "::1"])
        try await TestServer.run(options) { server async throws in
            for _ in 1...2 { #expect(try await bad(server, "203.0.113.1").status == 401) }
            #expect(try await bad(server, "203.0.113.1").status == 429)
            #expect(try await bad(server, "198.51.100.9, 203.0.113.1").status == 429)
            #expect(try await bad(server, "203.0.113.1, 203.0.113.2").status == 401)
            #expect(try await bad(server).status == 401)
            #expect(try server.log.lines().compactMap { $0["client"]?.string }.contains("203.0.113.2"))
        }
    }

    @Test("from anybody else X-Forwarded-For means nothing")
    func untrustedProxy() async throws {
        try await TestServer.run(try liveOptions()) { server async throws in
            for client in 1...2 { #expect(try await bad(server, "203.0.113.\(client)").status == 401) }
            #expect(try await bad(server, "203.0.113.3").status == 429)
            #expect(!server.log.text.contains("203.0.113"))
        }
    }

    private func liveOptions() throws -> TestServer.Options {
        var options = TestServer.Options()
        options.failedAuthenticationLimit = RateLimit(perSecond: 1, burst: 2)
        options.isLive = true
        return options
    }

    private func bad(_ server: TestServer, _ forwardedFor: String? = nil) async throws -> TestServer.Answer {
        let credential = ("authorization", "Bearer sk-nobody")
        return try await server.send(
            .get,
            "/v1/api_key",
            headers: forwardedFor.map { [credential.0: credential.1, "x-forwarded-for": $0] } ?? [
                credential.0: credential.1
            ]
        )
    }
}
