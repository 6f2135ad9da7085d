import HTTPTypes
import Testing
import WitanAccess
import WitanCore
import WitanHTTP
import WitanJSON
import WitanServices
import WitanTesting

@Suite("POST /v1/api_key")
struct CreateKeyTests {
    @Test("200 with the ten published members in their order, nulls written out, byte for byte")
    func members() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.post, "/v1/api_key", as: server.member, body: #"{"name":"my key"}"#)
            #expect(answer.status == 200)
            let id = try #require(answer["id"]?.string)
            let key = try #require(answer["key"]?.string)
            #expect(
                answer.text == """
                    {"id":"\(id)","created":"2026-01-31T12:00:00.000Z","name":"my key",\
                    "preview_name":"sk-****\(key.suffix(4))","user_id":"\(server.member.id)",\
                    "user_email":"member@acme.test","user_given_name":"Max","user_family_name":"Member",\
                    "org_id":"\(server.member.organizationID)","key":"\(key)"}
                    """
            )
            let nameless = try await server.send(.post, "/v1/api_key", as: server.stranger, body: #"{"name":"x"}"#)
            #expect(nameless["user_family_name"] == .null)
        }
    }

    @Test("200 with a key of the published form that works at once and is shown nowhere else")
    func key() async throws {
        try await TestServer.run { server in
            let made = try await server.makeKey("new", as: server.owner)
            #expect(made.key.utf8.count == 51)
            #expect(made.key.hasPrefix("sk-"))
            #expect(Secret(parsing: made.key) != nil)
            let object = try await server.send(.get, "/v1/api_key/\(made.keyID)", as: made)
            #expect(object.status == 200)
            #expect(object["key"] == nil)
            let list = try await server.send(.get, "/v1/api_key", as: made)
            #expect(list.objects.count == 2)
            #expect(!list.text.contains(made.key))
        }
    }

    @Test("200 twice for one name, with two keys")
    func noDeduplication() async throws {
        try await TestServer.run { server in
            let first = try await server.makeKey("same", as: server.owner)
            let second = try await server.makeKey("same", as: server.owner)
            #expect(first.key != second.key)
            let list = try await server.send(.get, "/v1/api_key?api_key_name=same", as: server.owner)
            #expect(Set(list.ids) == [first.keyID.description, second.keyID.description])
        }
    }

    @Test("200 for many at once, each with a key of its own that works")
    func concurrent() async throws {
        try await TestServer.run { server in
            let owner = server.owner
            let made = try await withThrowingTaskGroup(of: TestServer.Person.self) { group in
                for number in 1...100 { group.addTask { try await server.makeKey("key \(number)", as: owner) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(made.map(\.key)).count == 100)
            for person in made {
                #expect(try await server.send(.post, "/api/self/me", as: person).status == 200)
            }
        }
    }

    @Test("200 with the name as it was sent", arguments: Self.acceptedNames)
    func names(_ name: String) async throws {
        try await TestServer.run { server in
            let body: TestServer.Body = .json(["name": .string(name)])
            let answer = try await server.send(.post, "/v1/api_key", as: server.owner, body: body)
            #expect(answer["name"]?.compact == JSONValue.string(name).compact)
            let list = try await server.send(.get, "/v1/api_key?api_key_name=\(name.percentEncoded)", as: server.owner)
            #expect(list.ids == [answer["id"]?.string])
        }
    }

    private static let acceptedNames = [
        "x", " ", "  two  spaces  ", "\n\t", "e\u{301}", "é", "🏳️‍🌈", "\u{FEFF}bom", "\u{202E}rtl",
        "'; DROP TABLE api_keys; --",
        "%", "\"\\", String(repeating: "é", count: 1_024), "null", "\u{1}",
    ]

    @Test("each refusal has its status and names what is at fault", arguments: Self.refusedRequests)
    func refusals(_ scenario: Scenario) async throws {
        try await TestServer.run { server in
            try await scenario.check(on: server)
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).ids.count == 1)
        }
    }

    private static func refusal(
        _ name: String,
        _ body: TestServer.Body?,
        as sender: Scenario.Sender = .owner,
        _ expectation: Scenario.Expectation
    ) -> Scenario {
        Scenario(name, .post, "/v1/api_key", as: sender, body: body, expect: expectation)
    }

    private static let refusedRequests = [
        refusal("no body", nil, .status(400, says: "The body is missing")),
        refusal("no object", "[]", .status(400, says: "must be a JSON object, but it is an array")),
        refusal("no JSON", "name=x", .status(400, says: "The body is not valid JSON")),
        refusal("no name", "{}", .status(400, says: "name is required", issues: ["name"])),
        refusal("a null name", #"{"name":null}"#, .status(400, says: "but is null", issues: ["name"])),
        refusal("an empty name", #"{"name":""}"#, .status(400, says: "1 to 1024 characters", issues: ["name"])),
        refusal(
            "a long name",
            .json(["name": .string(String(repeating: "é", count: 1_025))]),
            .status(400, says: "but has 1025 characters", issues: ["name"])
        ),
        refusal("a number for a name", #"{"name":1}"#, .status(400, says: "but is a number", issues: ["name"])),
        refusal("U+0000 in a name", #"{"name":"a\u0000"}"#, .status(400, says: "U+0000", issues: ["name"])),
        refusal(
            "an unknown member",
            #"{"name":"x","nome":"y"}"#,
            .status(400, says: "it takes name, expires_at, org_name, org_id", issues: ["nome"])
        ),
        refusal("two mistakes", #"{"x":1,"org_id":2}"#, .status(400, issues: ["name", "org_id", "x"])),
        refusal("a name given twice", #"{"name":"x","name":"x"}"#, .status(400, says: "given twice", issues: ["name"])),
        refusal("an organization that is no text", #"{"name":"x","org_name":1}"#, .status(400, issues: ["org_name"])),
        refusal("an organization id that is none", #"{"name":"x","org_id":"1"}"#, .status(400, issues: ["org_id"])),
        refusal("a foreign organization", #"{"name":"x","org_name":"Globex"}"#, .status(403, says: "Missing access")),
        refusal("a missing organization", #"{"name":"x","org_name":"Nowhere"}"#, .status(403, says: "Missing access")),
        refusal("nobody", #"{"name":"x"}"#, as: .nobody, .status(401, headers: ["www-authenticate": "Bearer"])),
        refusal(
            "too large a body",
            .text(#"{"name":""# + String(repeating: "x", count: 1 << 20) + #""}"#),
            .status(413, says: "send less")
        ),
    ]

    @Test("whatever the media type says, and when it is missing, the body is read as JSON")
    func mediaTypes() async throws {
        try await TestServer.run { server in
            for type in ["application/json", "application/json; charset=utf-8", "text/plain", "x"] {
                let answer = try await server.send(
                    .post,
                    "/v1/api_key",
                    as: server.owner,
                    headers: ["content-type": type],
                    body: #"{"name":"x"}"#
                )
                #expect(answer.status == 200, "\(type)")
            }
        }
    }

    @Test("403 for a key where only people may mint keys, and 200 for a person")
    func peopleOnly() async throws {
        var options = TestServer.Options()
        options.minting = .people
        try await TestServer.run(options) { server in
            let refused = try await server.send(.post, "/v1/api_key", as: server.owner, body: #"{"name":"x"}"#)
            #expect(refused.status == 403)
            #expect(refused["Message"]?.string == "API keys cannot create API keys")
            let session = try server.session(of: server.owner)
            #expect(try await server.send(.post, "/v1/api_key", as: session, body: #"{"name":"x"}"#).status == 200)
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).ids.count == 2)
        }
    }

    @Test("413 over a socket, before the body is read, and the connection's next request works")
    func tooLargeLive() async throws {
        var options = TestServer.Options()
        options.isLive = true
        options.configuration.limits.requestBodyBytes = 1_024
        try await TestServer.run(options) { server in
            #expect(try await server.send(.post, "/v1/api_key", as: server.owner, body: #"{"name":"x"}"#).status == 200)
            let body: TestServer.Body = .text(String(repeating: "x", count: 1_025))
            let answer = try await server.send(.post, "/v1/api_key", as: server.owner, body: body)
            #expect(answer.status == 413)
            answer.expectError(path: "/v1/api_key")
        }
    }
}
