import HTTPTypes
import Testing
import WitanCore
import WitanEngines
import WitanHTTP
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

@Suite("What whoever runs the server looks at")
struct OperationsTests {
    @Test("GET /metrics counts by route template, never by id, key or path")
    func metrics() async throws {
        try await TestServer.run { server in
            let id = server.owner.keyID.description
            for path in ["/v1/api_key/\(id)", "/v1/api_key/x", "/v1/nothing/\(id)", "/\(server.owner.key)"] {
                _ = try await server.send(.get, path, as: server.owner)
            }
            _ = try await server.send(.init("BREW") ?? .get, "/v1/api_key", as: server.owner)
            let answer = try await server.send(.get, "/metrics")
            #expect(answer.header("content-type")?.hasPrefix("text/plain; version=0.0.4") == true)
            #expect(!answer.text.contains(id))
            #expect(!answer.text.contains(server.owner.key))
            #expect(!answer.text.contains("nothing"))
            let pages = ["/app", "/app/**", "/signin", "/signin/**", "/signout", "/assets/**"]
            let templates = Set(OpenAPIDocument(version: "x").endpoints.map(\.path)).union(["unmatched"] + pages)
            let samples = try MetricSample.parse(answer.text).map { try #require($0) }
            #expect(samples.compactMap { $0.labels["route"] }.allSatisfy(templates.contains))
            func count(_ route: String, _ method: String, _ status: Int) -> Double? {
                let labels = ["route": route, "method": method, "status": "\(status)"]
                return samples.first { $0.name == "witan_http_requests_total" && $0.labels == labels }?.value
            }
            #expect(count("/v1/api_key/{api_key_id}", "GET", 200) == 1)
            #expect(count("/v1/api_key/{api_key_id}", "GET", 400) == 1)
            #expect(count("unmatched", "any", 404) == 2)
            #expect(count("unmatched", "any", 405) == 1)
            #expect(try server.sample("witan_http_requests_in_flight") == 0)
        }
    }

    @Test("each check of a credential is counted by its outcome")
    func keyChecks() async throws {
        try await TestServer.run { server in
            _ = try await server.send(.post, "/api/self/me", as: server.owner)
            for _ in 1...3 { _ = try await server.send(.post, "/api/self/me", as: server.owner) }
            _ = try await server.send(.post, "/api/self/me")
            _ = try await server.send(.post, "/api/self/me", headers: ["authorization": "Bearer sk-x"])
            let gone = try await server.makeKey("x", as: server.owner)
            _ = try await server.send(.delete, "/v1/api_key/\(gone.keyID)", as: server.owner)
            _ = try await server.send(.post, "/api/self/me", as: gone)
            let expected = ["loaded": 1, "cached": 5, "missing": 1, "malformed": 1, "unknown": 1]
            for (outcome, count) in expected {
                #expect(
                    try server.sample("witan_key_checks_total", ["outcome": outcome]) == Double(count),
                    "\(outcome)"
                )
            }
            #expect(try server.sample("witan_credential_cache_entries") == 1)
        }
    }

    @Test("GET /readyz 503 with Retry-After while the server drains, when everything else still works")
    func draining() async throws {
        try await TestServer.run { server in
            #expect(try await server.send(.get, "/readyz").status == 200)
            server.readiness.drain()
            let answer = try await server.send(.get, "/readyz")
            #expect(answer.status == 503)
            answer.expectError(path: "/readyz")
            #expect(answer.header("retry-after") == "1")
            #expect(try await server.send(.get, "/healthz").status == 200)
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 200)
        }
    }

    @Test("a database that is away is 503 and never 401, and a warm key is still known")
    func databaseAway() async throws {
        try await Engine.chosen.withPlace { place in
            let (database, close) = try await place.open(.unhurried, .none)
            try await TestServer.run(on: database) { server in
                #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 200)
                try await close()
                for path in ["/v1/api_key", "/readyz"] {
                    let answer = try await server.send(.get, path, as: server.owner)
                    #expect(answer.status == 503, "\(path)")
                    answer.expectError(path: path)
                }
                #expect(try await server.send(.post, "/api/self/me", as: server.owner).status == 200)
                #expect(try await server.send(.post, "/api/self/me", as: server.member).status == 503)
                #expect(try server.sample("witan_key_checks_total", ["outcome": "unavailable"]) == 1)
                let body: TestServer.Body = #"{"name":"x"}"#
                #expect(try await server.send(.post, "/v1/api_key", as: server.owner, body: body).status == 503)
                #expect(try await server.send(.get, "/healthz").status == 200)
            }
        }
    }

    @Test("503 with Retry-After beyond the number of requests under way, but not for whoever looks after the server")
    func overload() async throws {
        var options = TestServer.Options()
        options.configuration.limits.requestsInFlight = 1
        try await TestServer.run(options) { server in
            let checkpoint = server.database.holdNext(.read)
            async let held = server.send(.get, "/v1/api_key", as: server.owner)
            await checkpoint.waitUntilReached()
            for path in ["/v1/api_key", "/version", "/nowhere", "/ping"] {
                let refused = try await server.send(.get, path, as: server.owner)
                #expect(refused.status == 503, "\(path)")
                refused.expectError(path: path)
                #expect(refused.header("retry-after") == "1")
            }
            for path in ["/healthz", "/readyz", "/metrics"] {
                #expect(try await server.send(.get, path).status == 200, "\(path)")
            }
            checkpoint.open()
            #expect(try await held.status == 200)
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 200)
            #expect(try server.sample("witan_overload_refusals_total") == 4)
        }
    }

    @Test("a list that goes out in parts is under way until its last part")
    func overloadWhileStreaming() async throws {
        var options = TestServer.Options()
        options.configuration.limits.requestsInFlight = 1
        options.configuration.credentialLimit = nil
        try await TestServer.run(options) { server in
            for number in 0...ResourceList.partSize { _ = try await server.makeKey("\(number)", as: server.owner) }
            let first = server.database.holdNext(.read)
            async let list = server.send(.get, "/v1/api_key", as: server.owner)
            await first.waitUntilReached()
            let second = server.database.holdNext(.read)
            first.open()
            await second.waitUntilReached()
            #expect(try await server.send(.get, "/version").status == 503)
            second.open()
            #expect(try await list.objects.count > ResourceList.partSize)
            #expect(try await server.send(.get, "/version").status == 200)
        }
    }
}
