import HTTPTypes
import Testing
import WitanAccess
import WitanCore
import WitanJSON
import WitanServices
import WitanTesting

@Suite("JSON Web Tokens as credentials")
struct TokenTests {
    @Test("a session acts in all organizations of its person, and must name one to make a key")
    func organizations() async throws {
        try await TestServer.run { server in
            let owner = try NewPerson(email: server.owner.email)
            _ = try await server.accounts.add(owner, to: "Globex", groups: [])
            let session = try server.session(of: server.owner)
            let login = try await server.send(.post, "/api/apikey/login", as: session)
            #expect(login["org_info"]?.array?.compactMap { $0.object?["name"]?.string } == ["Acme", "Globex"])

            let unnamed = try await server.send(.post, "/v1/api_key", as: session, body: #"{"name":"x"}"#)
            #expect(unnamed.status == 400)
            #expect(unnamed.issuePaths == ["org_name"])
            #expect(unnamed["Message"]?.string?.contains("Acme, Globex") == true)
            for (body, header, organization) in [
                (#"{"name":"x","org_name":"Globex"}"#, nil, server.stranger.organizationID),
                (#"{"name":"x"}"#, "Globex", server.stranger.organizationID),
                (#"{"name":"x","org_name":"Acme"}"#, "Globex", server.owner.organizationID),
                (
                    #"{"name":"x","org_id":"\#(server.stranger.organizationID)","org_name":"Acme"}"#, "Acme",
                    server.stranger.organizationID
                ),
            ] as [(String, String?, ObjectID)] {
                let headers: KeyValuePairs = header.map { ["x-bt-org-name": $0] } ?? [:]
                let answer = try await server.send(
                    .post,
                    "/v1/api_key",
                    as: session,
                    headers: headers,
                    body: .text(body)
                )
                #expect(answer["org_id"]?.string == organization.description, "\(body)")
            }
            #expect(try await server.send(.get, "/v1/api_key", as: session).ids.count == 5)
            #expect(try await server.send(.get, "/v1/api_key?org_name=Globex", as: session).ids.count == 3)

            let list = "/v1/organization/api_keys"
            #expect(try await server.send(.get, list, as: session).issuePaths == ["org_name"])
            #expect(try await server.send(.get, "\(list)?org_name=Acme", as: session).ids.count == 3)
            #expect(try await server.send(.get, "\(list)?org_name=Globex", as: session).status == 403)
            // An API key of the same person acts in its own organization alone.
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).ids.count == 2)
        }
    }

    @Test("a session ends with its time, to the second, and not before")
    func expiry() async throws {
        try await TestServer.run { server in
            let session = try server.session(of: server.owner, lifetime: .seconds(600))
            for _ in 1...10 {
                #expect(try await server.send(.post, "/api/self/me", as: session).status == 200)
                server.clock.advance(by: .seconds(59))
            }
            server.clock.advance(by: .seconds(9))
            #expect(try await server.send(.post, "/api/self/me", as: session).status == 200)
            server.clock.advance(by: .seconds(1))
            let ended = try await server.send(.post, "/api/self/me", as: session)
            #expect(ended.status == 401)
            #expect(try server.sample("witan_key_checks_total", ["outcome": "expired"]) == 1)
        }
    }

    @Test("an outside issuer's token acts for the member whose address it names, and is 401 in every other case")
    func outsideIssuer() async throws {
        let key = try SigningKey(seed: Array(1...32))
        let other = try SigningKey(seed: Array(2...33))
        var options = TestServer.Options()
        options.issuer = try TrustedIssuer(name: "https://id.test", audience: "witan-test", keys: key.publicKeySet)
        options.failedAuthenticationLimit = nil
        try await TestServer.run(options) { server async throws in
            let now = server.clock.now.seconds
            let good: JSONObject = [
                "iss": "https://id.test", "aud": "witan-test", "sub": "someone", "email": "Member@Acme.test",
                "exp": .number(JSONNumber(now + 300)), "nbf": .number(JSONNumber(now)),
            ]
            func status(_ change: (inout JSONObject) -> Void, signedBy signer: SigningKey) async throws -> Int {
                var claims = good
                change(&claims)
                let token = try signer.sign(claims)
                return try await server.send(.post, "/api/self/me", headers: ["authorization": "Bearer \(token)"])
                    .status
            }
            #expect(try await status({ _ in }, signedBy: key) == 200)
            #expect(try await status({ $0["aud"] = ["other", "witan-test"] }, signedBy: key) == 200)
            #expect(try await status({ _ in }, signedBy: other) == 401)
            let changes: [@Sendable (inout JSONObject) -> Void] = [
                { $0["iss"] = "https://evil.test" }, { $0["aud"] = "other" }, { $0["aud"] = nil },
                { $0["email"] = nil },
                { $0["email"] = "nobody@acme.test" }, { $0["exp"] = nil }, { $0["iss"] = "witan" },
                { $0["exp"] = .number(JSONNumber(now - 3_600)) }, { $0["nbf"] = .number(JSONNumber(now + 3_600)) },
            ]
            for (index, change) in changes.enumerated() {
                #expect(try await status(change, signedBy: key) == 401, "change \(index)")
            }
            // A token of the outside issuer's that claims to be this server's own.
            let forged = { (claims: inout JSONObject) in
                claims["iss"] = "witan"
                claims["aud"] = "witan"
                claims["sub"] = .string(server.owner.id.description)
            }
            #expect(try await status(forged, signedBy: key) == 401)
        }
    }

    @Test("GET /.well-known/jwks.json 200 with the key that sessions are signed with")
    func keySet() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.get, "/.well-known/jwks.json")
            let key = try SigningKey(seed: server.secrets.signingKeySeed)
            #expect(answer.bytes == key.publicDocument)
            #expect(answer["keys"]?.array?.first?.object?["d"] == nil)
        }
    }
}
