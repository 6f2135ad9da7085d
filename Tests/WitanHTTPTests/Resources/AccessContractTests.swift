import HTTPTypes
import Testing
import WitanAccess
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

@Suite("Every endpoint is guarded as it declares")
struct AccessContractTests {
    private static let endpoints = Subject.document.endpoints

    @Test("an endpoint that is not public is 401 without a credential, and 401 in one text with a bad one")
    func guarded() async throws {
        try await Subject.withServer { server in
            var random = RandomSource.seeded(7)
            let unknown = Secret.generate(.apiKey, using: &random).reveal()
            let guarded = Self.endpoints.filter { !$0.isPublic }
            #expect(guarded.count > 10)
            for endpoint in guarded {
                // The limit of failures for an address must not get in the way.
                server.clock.advance(by: .seconds(10))
                let method = try #require(HTTPRequest.Method(endpoint.method.rawValue.uppercased()))
                let path = endpoint.path(with: server.owner.id)
                let none = try await server.send(method, path, body: "{}")
                #expect(none.status == 401, "\(path)")
                #expect(none.header("www-authenticate") == "Bearer")
                none.expectError(path: path)
                let bad = [
                    "Bearer \(unknown)", "Bearer sk-x", "Bearer \(server.owner.key)x", "Bearer a.b.c", "Basic YTpi",
                    server.owner.key, "Bearer \(server.owner.key.dropLast())",
                ]
                var messages: Set<String> = []
                for credential in bad {
                    let answer = try await server.send(method, path, headers: ["authorization": credential], body: "{}")
                    #expect(answer.status == 401, "\(path) \(credential.prefix(8))")
                    #expect(answer.header("www-authenticate") == "Bearer")
                    answer.expectError(path: path)
                    messages.insert(answer["Message"]?.string ?? "")
                }
                #expect(messages.count == 1)
                #expect(!messages.contains(none["Message"]?.string ?? ""))
            }
        }
    }

    @Test("OPTIONS of every resource's path needs no credential and says what other origins may do")
    func preflight() async throws {
        try await Subject.withServer { server in
            let preflights = Self.endpoints.filter { $0.method == .options }
            let resources = Set(Subject.all.flatMap(\.resource.endpoints).map(\.path))
            #expect(Set(preflights.map(\.path)).isSuperset(of: resources))
            for endpoint in preflights {
                let path = endpoint.path(with: server.owner.id)
                let methods = Set(
                    Self.endpoints.filter { $0.path == endpoint.path }.map { $0.method.rawValue.uppercased() }
                )
                for (origin, allowed) in Self.origins {
                    let answer = try await server.send(.options, path, headers: ["origin": origin])
                    #expect(answer.status == 200, "\(path)")
                    #expect(answer.bytes.isEmpty)
                    #expect(answer.header("access-control-allow-origin") == allowed, "\(origin)")
                    #expect(answer.header("access-control-allow-credentials") == "true")
                    #expect(answer.header("access-control-max-age") == "86400")
                    #expect(answer.header("vary") == "Origin")
                    let named =
                        answer.header("access-control-allow-methods")?.split(separator: ", ").map(String.init) ?? []
                    #expect(Set(named).subtracting(["HEAD"]) == methods, "\(path)")
                    let headers = answer.header("access-control-allow-headers")?.lowercased() ?? ""
                    for name in ["authorization", "content-type", "x-bt-org-name", "x-bt-auth-token", "traceparent"] {
                        #expect(headers.contains(name))
                    }
                }
                #expect(try await server.send(.options, path).status == 200)
            }
        }
    }

    @Test("an answer to another origin says so, errors too, and one to nobody's origin does not")
    func crossOriginAnswers() async throws {
        try await TestServer.run { server in
            for (origin, allowed) in Self.origins {
                for path in ["/v1/api_key", "/nowhere", "/v1/api_key/x"] {
                    let answer = try await server.send(.get, path, as: server.owner, headers: ["origin": origin])
                    #expect(answer.header("access-control-allow-origin") == allowed, "\(origin)")
                    #expect(
                        answer.header("access-control-expose-headers")?.contains("x-bt-internal-trace-id") == true,
                        "\(path)"
                    )
                }
            }
            let own = try await server.send(.get, "/v1/api_key", as: server.owner)
            #expect(own.header("access-control-allow-origin") == nil)
        }
    }

    private static let origins = [
        "https://www.braintrust.dev": "https://www.braintrust.dev",
        "https://a-b.preview.braintrust.dev": "https://a-b.preview.braintrust.dev",
        "https://witan.test": "https://witan.test",
        "https://evil.test": "https://witan.test",
        "http://www.braintrust.dev": "https://witan.test",
        "https://preview.braintrust.dev.evil.test": "https://witan.test",
        "null": "https://witan.test",
    ]
}

extension Endpoint {
    /// The path with that id for each of its parameters.
    fileprivate func path(with id: ObjectID) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("{") ? id.description : String($0) }
            .joined(separator: "/")
    }
}
