import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanTesting

@Suite("How many statements each route may cost")
struct StatementBudgetTests {
    @Test("a warm check costs none, and each route its own number")
    func budgets() async throws {
        try await TestServer.run { server in
            let owner = server.owner
            func cost(
                _ method: HTTPRequest.Method,
                _ path: String,
                as person: TestServer.Person,
                body: TestServer.Body? = nil
            ) async throws -> [String] {
                try await server.database
                    .statements {
                        let answer = try await server.send(method, path, as: person, body: body)
                        #expect([200, 401].contains(answer.status), "\(method) \(path): \(answer.text)")
                    }
                    .map { String($0.prefix { $0 != " " }) }
            }
            #expect(try await cost(.post, "/api/self/me", as: owner) == ["SELECT", "SELECT"])
            #expect(try await cost(.post, "/api/self/me", as: owner) == [])
            #expect(try await cost(.post, "/api/apikey/login", as: owner) == [])
            #expect(try await cost(.get, "/ping", as: owner) == [])
            #expect(try await cost(.get, "/metrics", as: owner) == [])

            let mistyped = try await server.database.statements { () async throws in
                let headers: KeyValuePairs = ["authorization": "Bearer \(owner.key.dropLast())-"]
                #expect(try await server.send(.post, "/api/self/me", headers: headers).status == 401)
            }
            #expect(mistyped == [])

            let path = "/v1/api_key/\(server.member.keyID)"
            let permissions = ["WITH", "SELECT", "SELECT", "WITH"]
            #expect(try await cost(.get, path, as: owner) == permissions + ["SELECT"])
            #expect(try await cost(.get, path, as: owner) == ["SELECT"])
            #expect(try await cost(.get, "/v1/api_key", as: owner) == ["SELECT"])
            #expect(try await cost(.get, "/v1/api_key?limit=1&org_name=Acme", as: owner) == ["SELECT"])
            #expect(try await cost(.get, "/v1/api_key?limit=0", as: owner) == [])
            let after = "/v1/api_key?limit=1&starting_after=\(owner.keyID)"
            #expect(try await cost(.get, after, as: owner) == ["SELECT", "SELECT"])
            let before = "/v1/api_key?limit=1&ending_before=\(owner.keyID)"
            #expect(try await cost(.get, before, as: owner) == ["SELECT", "SELECT", "SELECT"])
            #expect(
                try await cost(.post, "/v1/api_key", as: owner, body: #"{"name":"x"}"#)
                    == ["SELECT", "INSERT", "SELECT", "INSERT"]
            )
            // A change asks anew for the credential, and for permissions where it takes any.
            let anew = ["SELECT"] + permissions
            #expect(try await cost(.delete, path, as: owner) == anew + ["SELECT", "DELETE", "SELECT", "INSERT"])
            let organization = "/v1/organization/\(owner.organizationID)"
            #expect(
                try await cost(.patch, organization, as: owner, body: #"{"api_url":"https://api.acme.test"}"#)
                    == anew + ["SELECT", "UPDATE", "SELECT", "SELECT", "INSERT"]
            )
        }
    }
}
