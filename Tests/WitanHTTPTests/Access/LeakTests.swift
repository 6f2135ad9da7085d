import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanTesting

@Suite("Nothing of one organization is told to another")
struct LeakTests {
    private static let endpoints = OpenAPIDocument(resources: Catalog.all, version: "test").endpoints
        .filter { !$0.isPublic }

    private static let unknown = "01890000-0000-7000-8000-000000000000"

    @Test("a foreign id, wherever a request can hold one, is answered as one that does not exist, and harms nothing")
    func foreignIDs() async throws {
        try await TestServer.run { server in
            let own = try await OrganizationObjects.make(1, on: server, as: server.owner)
            let foreign = try await OrganizationObjects.make(2, on: server, as: server.stranger)
            let before = try await Self.everything(of: server.stranger, on: server)
            var tried = 0
            // Each refusal is a row of Acme's own audit log, which must be asked before.
            for endpoint in Self.endpoints.sorted(by: { first, _ in first.tag == AuditLogResource.resource.tag }) {
                let route = "\(endpoint.method.rawValue.uppercased()) \(endpoint.path)"
                let call = MatrixCall(route)
                let method = try #require(HTTPRequest.Method(call.method))
                for place in IDPlace.all(in: endpoint) {
                    let types: [ObjectType?] = place.name == "object_id" ? ObjectType.allCases : [nil]
                    for type in types {
                        func answer(to id: String) async throws -> String {
                            server.clock.advance(by: .milliseconds(50))
                            let text = call.body.map(own.fill)
                            let request = IDPlace.Request(
                                path: place.description.hasPrefix("{") ? endpoint.path : own.fill(call.path),
                                body: try text.map { try JSONParser.parse($0) }
                            )
                            let probe = place.put(id, of: type, into: request)
                            return Self.words(try await server.call(method, probe.path, probe.body), without: id)
                        }
                        // What the call changes, such as an invitation beside the id, is changed for both answers.
                        _ = try await answer(to: Self.unknown)
                        let expected = try await answer(to: Self.unknown)
                        for (kind, id) in foreign.ids {
                            tried += 1
                            let found = try await answer(to: id)
                            #expect(found == expected, "\(route), \(place) with Globex's \(kind)")
                        }
                    }
                }
            }
            #expect(tried > 2_000)
            let after = try await Self.everything(of: server.stranger, on: server)
            #expect(after == before)
        }
    }

    @Test("a foreign organization's name, wherever it can stand, is answered as one that nobody has")
    func foreignNames() async throws {
        try await TestServer.run { server in
            let own = try await OrganizationObjects.make(1, on: server, as: server.owner)
            var tried = 0
            for endpoint in Self.endpoints {
                let route = "\(endpoint.method.rawValue.uppercased()) \(endpoint.path)"
                let call = MatrixCall(route)
                let method = try #require(HTTPRequest.Method(call.method))
                let path = own.fill(call.path)
                let body = own.fill(call.body ?? "{}")
                func answer(to name: String, inHeader: Bool) async throws -> String {
                    let answer = try await server.send(
                        method,
                        inHeader
                            ? path.replacing("?org_name=Acme", with: "") : path.replacing("=Acme", with: "=\(name)"),
                        as: server.owner,
                        headers: inHeader ? ["x-bt-org-name": name] : [:],
                        body: .text(
                            inHeader
                                ? body.replacing(#","org_name":"Acme""#, with: "")
                                    .replacing(#""org_name":"Acme","#, with: "")
                                : body.replacing(#""Acme""#, with: #""\#(name)""#)
                        )
                    )
                    return Self.words(answer, without: name)
                }
                for inHeader in [false, true] where inHeader || (path + body).contains("Acme") {
                    // Deletions by id would be answered otherwise the second time, whatever is named.
                    guard method != .delete else { continue }
                    tried += 1
                    _ = try await answer(to: "Nowhere", inHeader: inHeader)
                    let expected = try await answer(to: "Nowhere", inHeader: inHeader)
                    let found = try await answer(to: "Globex", inHeader: inHeader)
                    #expect(found == expected, "\(route)")
                }
            }
            #expect(tried > 50)
        }
    }

    @Test("a foreign person's address is answered as one that nobody has", arguments: ["invite_users", "remove_users"])
    func foreignAddresses(part: String) async throws {
        try await TestServer.run { server in
            func answer(to email: String) async throws -> String {
                let body: JSONValue = [part: ["emails": [.string(email)]]]
                return Self.words(
                    try await server.call(.patch, "/v1/organization/members", body),
                    without: email
                )
            }
            let expected = try await answer(to: "nobody@globex.test")
            #expect(try await answer(to: server.stranger.email) == expected)
            for email in [server.stranger.email, "nobody@globex.test"] where part == "remove_users" {
                #expect(try await server.succeed(.get, "/v1/user?email=\(email)").ids == [])
            }
            #expect(try await server.succeed(.get, "/v1/project", as: server.stranger).ids == [])
        }
    }

    @Test("acting as a foreign person is refused in the words for nobody, by id and by address")
    func foreignImpersonation() async throws {
        try await TestServer.run { server in
            let foreign = try await OrganizationObjects.make(2, on: server, as: server.stranger)
            func answer(to user: String) async throws -> String {
                let answer = try await server.call(.get, "/v1/project", headers: ["x-bt-impersonate-user": user])
                return Self.words(answer, without: user)
            }
            let expected = try await answer(to: Self.unknown)
            #expect(expected.hasPrefix("403 "))
            for user in Array(foreign.ids.values) + [server.stranger.email, "nobody@globex.test", "", "nobody"] {
                #expect(try await answer(to: user) == expected, "\(user)")
            }
        }
    }

    @Test("no list of one organization's owner has a row of the other's, page by page", arguments: [false, true])
    func lists(withSession: Bool) async throws {
        try await TestServer.run { server in
            let people = try [server.owner, server.stranger].map { withSession ? try server.session(of: $0) : $0 }
            var objects: [OrganizationObjects] = []
            for (number, person) in [server.owner, server.stranger].enumerated() {
                objects.append(try await OrganizationObjects.make(number, on: server, as: person))
            }
            let shared = Set(SystemRole.allCases.map(\.id.description))
            for endpoint in Self.endpoints where endpoint.method == .get && !endpoint.path.contains("{") {
                var rows: [Set<String>] = []
                for (person, own) in zip(people, objects) {
                    let query =
                        endpoint.path == ACLResource.resource.path ? "?object_type=project&object_id=<project>" : ""
                    rows.append(Set(try await server.walk(own.fill(endpoint.path + query), as: person)))
                }
                #expect(rows.allSatisfy { !$0.isEmpty }, "\(endpoint.path)")
                #expect(rows[0].intersection(rows[1]).subtracting(shared) == [], "\(endpoint.path)")
            }
        }
    }

    /// All that an owner's lists show, for a comparison.
    private static func everything(of owner: TestServer.Person, on server: TestServer) async throws -> [String: String]
    {
        var texts: [String: String] = [:]
        for endpoint in endpoints where endpoint.method == .get && !endpoint.path.contains("{") {
            guard endpoint.path != ACLResource.resource.path else { continue }
            texts[endpoint.path] = try await server.succeed(.get, endpoint.path, as: owner).text
        }
        return texts
    }

    /// An answer without what differs from one request to the next, and without what was asked for.
    private static func words(_ answer: TestServer.Answer, without text: String) -> String {
        guard var object = answer.json?.object else { return "\(answer.status) \(answer.text)" }
        object["InternalTraceId"] = nil
        let words = object.compact
        return "\(answer.status) \(text.isEmpty ? words : words.replacing(text, with: "…"))"
    }
}
