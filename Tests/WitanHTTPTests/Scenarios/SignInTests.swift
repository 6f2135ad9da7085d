import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanTesting

@Suite("Sign-in, the caller, and what everybody may ask")
struct SignInTests {
    @Test("POST /api/apikey/login 200 with seven members for each organization, whatever the body")
    func login() async throws {
        try await TestServer.run { server in
            let expected = """
                {"org_info":[{"id":"\(server.member.organizationID)","name":"Acme","api_url":"https://witan.test",\
                "git_metadata":null,"is_universal_api":null,"proxy_url":"https://witan.test","realtime_url":null}]}
                """
            for body in [nil, "", "{}", "not JSON"] as [TestServer.Body?] {
                let answer = try await server.send(.post, "/api/apikey/login", as: server.member, body: body)
                #expect(answer.status == 200)
                #expect(answer.text == expected)
            }
            let typed = try await server.send(
                .post,
                "/api/apikey/login",
                as: server.member,
                headers: ["content-type": "application/json"]
            )
            #expect(typed.text == expected)
        }
    }

    @Test("POST /api/self/me 200 with the caller and their organizations")
    func me() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.post, "/api/self/me", as: server.stranger)
            #expect(
                answer.text == """
                    {"id":"\(server.stranger.id)","email":"stranger@globex.test","given_name":"Stan",\
                    "family_name":null,"avatar_url":null,"created":"2026-01-31T12:00:00.000Z",\
                    "organizations":[{"id":"\(server.stranger.organizationID)","name":"Globex"}]}
                    """
            )
            #expect(try await server.send(.get, "/ping", as: server.stranger).text == answer.text)
        }
    }

    @Test("GET /ping 200 with an empty object for nobody, 401 for a bad credential")
    func ping() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.send(.get, "/ping").text == "{}")
            #expect(try await server.send(.get, "/ping", headers: ["authorization": "Bearer null"]).text == "{}")
            #expect(try await server.send(.get, "/ping", headers: ["authorization": "Bearer sk-x"]).status == 401)
        }
    }

    @Test(
        "GET /version, /v1, / and /healthz 200 for everybody",
        arguments: [
            Scenario(
                "version",
                .get,
                "/version",
                as: .nobody,
                expect: .status(200, says: #"{"version":"0.0.0-test"}"#)
            ),
            Scenario("greeting", .get, "/v1", as: .nobody, expect: .status(200, says: "Hello, World!")),
            Scenario(
                "introduction",
                .get,
                "/",
                as: .nobody,
                expect: .status(200, says: "https://witan.test/openapi.json")
            ),
            Scenario("health", .get, "/healthz", as: .nobody, expect: .status(200, says: #"{"status":"ok"}"#)),
            Scenario("readiness", .get, "/readyz", as: .nobody, expect: .status(200, says: #"{"status":"ready"}"#)),
            Scenario("head", .head, "/version", as: .nobody, expect: .status(200)),
            Scenario("nowhere", .get, "/v2", as: .nobody, expect: .status(404, says: "There is no /v2 here")),
            Scenario("below a known path", .get, "/v1/api_key/x/y", expect: .status(404)),
            Scenario("another method", .post, "/version", expect: .status(405, headers: ["allow": "GET, HEAD"])),
            Scenario(
                "a method of another path",
                .get,
                "/api/self/me",
                expect: .status(405, headers: ["allow": "OPTIONS, POST"])
            ),
        ]
    )
    func everybody(_ scenario: Scenario) async throws {
        try await TestServer.run { try await scenario.check(on: $0) }
    }

    @Test("the credential is that of x-bt-auth-token, else the last Authorization's, and `null` is none")
    func headers() async throws {
        try await TestServer.run { server in
            let (owner, member) = (server.owner, server.member)
            let cases: [(KeyValuePairs<String, String>, String?)] = [
                (["authorization": "Bearer \(owner.key)"], owner.email),
                (["authorization": "bearer \(owner.key)"], owner.email),
                (["authorization": "BEARER   \(owner.key)  "], owner.email),
                (["x-bt-auth-token": owner.key], owner.email),
                (["x-bt-auth-token": owner.key, "authorization": "Bearer \(member.key)"], owner.email),
                (["x-bt-auth-token": owner.key, "authorization": "Bearer sk-bad"], owner.email),
                (["x-bt-auth-token": "null", "authorization": "Bearer \(member.key)"], member.email),
                (["x-bt-auth-token": "", "authorization": "Bearer \(member.key)"], member.email),
                (["authorization": "Bearer \(owner.key)", "authorization": "Bearer \(member.key)"], member.email),
                (["x-bt-auth-token": "sk-bad", "authorization": "Bearer \(member.key)"], nil),
                (["authorization": "Bearer NULL"], nil), (["authorization": "Bearer"], nil),
                (["authorization": ""], nil),
                (["authorization": owner.key], nil), (["authorization": "Basic \(owner.key)"], nil),
                (["authorization": "Bearer \(owner.key) \(owner.key)"], nil),
                (["cookie": "authorization=\(owner.key)"], nil), (["x-api-key": owner.key], nil),
            ]
            for (index, (headers, email)) in cases.enumerated() {
                let answer = try await server.send(.post, "/api/self/me", headers: headers)
                #expect(answer.status == (email == nil ? 401 : 200), "case \(index)")
                #expect(answer["email"]?.string == email, "case \(index)")
            }
            let query = try await server.send(
                .post,
                "/api/self/me?api_key=\(owner.key)&authorization=Bearer%20\(owner.key)"
            )
            #expect(query.status == 401)
        }
    }
}
