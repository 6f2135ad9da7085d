import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

@Suite("The documents that the server serves")
struct DocumentTests {
    @Test("GET /openapi.json 200 with exactly the paths and methods that the server answers")
    func routes() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.get, "/openapi.json")
            #expect(answer.header("content-type") == "application/json; charset=utf-8")
            let document = try #require(answer.json?.object)
            #expect(document["openapi"] == "3.1.1")
            #expect(document["servers"]?.array?.first?.object?["url"] == "https://witan.test")
            var described: Set<String> = []
            for (path, item) in document["paths"]?.object?.members ?? [] {
                let methods = item.object?.members.map { $0.name.uppercased() } ?? []
                described.formUnion(methods.map { "\($0) \(path)" })
                let place = path.replacing("{tag}", with: "apikeys").replacing("{page}", with: "create-api_key.md")
                    .replacing("{api_key_id}", with: server.owner.keyID.description)
                    .replacing("{organization_id}", with: server.owner.organizationID.description)
                    .replacing("{user_id}", with: server.owner.id.description)
                for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
                    let request = try #require(HTTPRequest.Method(method))
                    let status = try await server.send(request, place, body: "{}").status
                    #expect(
                        (status == 405 || status == 404) != methods.contains(method),
                        "\(method) \(path): \(status)"
                    )
                }
            }
            let declared = OpenAPIDocument(version: "x").endpoints
                .map { "\($0.method.rawValue.uppercased()) \($0.path)" }
            #expect(described == Set(declared))
        }
    }

    @Test("the document's POST /v1/api_key is the published one, with `expires_at`: body, answer and statuses")
    func publishedOperation() async throws {
        try await TestServer.run { server in
            let document = try #require(try await server.send(.get, "/openapi.json").json)
            let operation = document.object?["paths"]?.object?["/v1/api_key"]?.object?["post"]?.object
            let body = operation?["requestBody"]?.object?["content"]?.object?["application/json"]?.object?["schema"]
            let bodySchema = Schema(value: try #require(body), document: document)
            #expect(bodySchema.memberNames == ["name", "expires_at", "org_name", "org_id"])
            #expect(body?.object?["required"] == ["name"])
            let responses = operation?["responses"]?.object
            for status in ["200", "400", "401", "403", "429", "500"] { #expect(responses?[status] != nil, "\(status)") }
            let output = responses?["200"]?.object?["content"]?.object?["application/json"]?.object?["schema"]
            #expect(output?.object?["$ref"] == "#/components/schemas/CreateApiKeyOutput")
            let outputSchema = Schema(value: try #require(output), document: document)
            #expect(
                outputSchema.memberNames == [
                    "id", "created", "name", "preview_name", "user_id", "user_email", "user_given_name",
                    "user_family_name", "org_id", "expires_at", "key",
                ]
            )
        }
    }

    @Test("GET /openapi.yaml and the documentation pages 200, every page that the index names, and 404 for no other")
    func pages() async throws {
        try await TestServer.run { server in
            let yaml = try await server.send(.get, "/openapi.yaml")
            #expect(yaml.header("content-type") == "application/yaml; charset=utf-8")
            #expect(yaml.text.hasPrefix("openapi: 3.1.1\n"))
            let index = try await server.send(.get, "/docs/llms.txt").text
            let links = index.matches(of: #/\((/docs/[^)]+)\)/#).map { String($0.output.1) }
            #expect(links.contains("/docs/api-reference/apikeys/create-api_key.md"))
            #expect(links.count == Set(links).count)
            #expect(links.count == OpenAPIDocument(version: "x").endpoints.count { $0.method != .options })
            for link in links {
                let page = try await server.send(.get, link)
                #expect(page.status == 200, "\(link)")
                #expect(page.header("content-type") == "text/markdown; charset=utf-8")
                #expect(page.text.contains("````yaml openapi.yaml "), "\(link)")
            }
            for path in ["apikeys/nothing.md", "nothing/create-api_key.md", "apikeys/..%2Fllms.txt"] {
                #expect(try await server.send(.get, "/docs/api-reference/\(path)").status == 404, "\(path)")
            }
        }
    }
}
