import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanTesting

@Suite("Who may do what with whose keys")
struct OwnershipTests {
    @Test("a member lists, reads and deletes their own keys, and nobody else's", arguments: [false, true])
    func member(withSession: Bool) async throws {
        try await TestServer.run { server in
            let member = withSession ? try server.session(of: server.member) : server.member
            let made = try await server.makeKey("second", as: server.member)
            let list = try await server.send(.get, "/v1/api_key", as: member)
            #expect(Set(list.ids) == [server.member.keyID.description, made.keyID.description])
            for id in [server.owner.keyID, server.stranger.keyID] {
                for method in [.get, .delete] as [HTTPRequest.Method] {
                    #expect(try await server.send(method, "/v1/api_key/\(id)", as: member).status == 403)
                }
            }
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 200)
            #expect(try await server.send(.delete, "/v1/api_key/\(made.keyID)", as: member).status == 200)
            #expect(try await server.send(.get, "/v1/api_key", as: made).status == 401)
        }
    }

    @Test("an owner reads and deletes every key of the organization, and none of another")
    func owner() async throws {
        try await TestServer.run { server in
            let path = "/v1/api_key/\(server.member.keyID)"
            let object = try await server.send(.get, path, as: server.owner)
            #expect(object["user_email"] == "member@acme.test")
            #expect(
                try await server.send(.get, "/v1/api_key", as: server.owner).ids == [server.owner.keyID.description]
            )
            for method in [.get, .delete] as [HTTPRequest.Method] {
                #expect(try await server.send(method, path, as: server.stranger).status == 403)
            }
            #expect(try await server.send(.delete, path, as: server.owner).text == object.text)
            #expect(try await server.send(.get, "/v1/api_key", as: server.member).status == 401)
        }
    }

    @Test("a key may delete itself: the call is answered, the next one is 401")
    func itself() async throws {
        try await TestServer.run { server async throws in
            let path = "/v1/api_key/\(server.member.keyID)"
            #expect(try await server.send(.delete, path, as: server.member).status == 200)
            #expect(try await server.send(.delete, path, as: server.member).status == 401)
        }
    }

    @Test("GET /v1/organization/api_keys gives an owner every key, and 403 to a member")
    func organizationList() async throws {
        try await TestServer.run { server in
            let path = "/v1/organization/api_keys"
            let acme = server.owner.organizationID
            let all = try await server.send(.get, path, as: server.owner)
            #expect(Set(all.ids) == [server.owner.keyID.description, server.member.keyID.description])
            #expect(try await server.send(.get, "\(path)?org_id=\(acme)", as: server.owner).text == all.text)
            #expect(try await server.send(.get, "\(path)?org_name=Acme", as: server.owner).text == all.text)
            #expect(try await server.send(.get, "\(path)?org_id=\(acme)", as: server.stranger).ids == [])
            #expect(try await server.send(.get, "\(path)?org_id=x", as: server.owner).issuePaths == ["org_id"])
            for query in ["", "?org_id=\(acme)", "?org_name=Acme"] {
                let refused = try await server.send(.get, path + query, as: server.member)
                #expect(refused.status == 403)
                #expect(
                    refused["Message"]?.string
                        == "Missing update access to org_member id \(acme), or the org_member does not exist"
                )
            }
            #expect(try await server.send(.get, path, as: server.stranger).ids == [server.stranger.keyID.description])
        }
    }

    @Test("created_after and created_before leave out their own moment")
    func createdBounds() async throws {
        try await TestServer.run { server in
            let start = server.clock.now
            var made: [String] = []
            for number in 1...3 {
                server.clock.advance(by: .seconds(1))
                made.append(try await server.makeKey("key \(number)", as: server.member).keyID.description)
            }
            func moment(_ seconds: Int) -> String {
                start.advanced(by: .seconds(seconds)).rfc3339
            }
            let queries: [(String, [Int])] = [
                ("created_after=\(moment(0))", [2, 1, 0]), ("created_after=\(moment(1))", [2, 1]),
                ("created_after=\(moment(3))", []), ("created_after=\(moment(0))&created_before=\(moment(3))", [1, 0]),
                ("created_after=\(moment(1))&created_before=\(moment(2))", []),
                ("created_after=\(moment(0))&limit=1", [2]),
                ("created_after=2026-01-31T13:00:01%2B01:00", [2, 1]), ("created_after=\(moment(2).dropLast(5))Z", [2]),
            ]
            for (query, expected) in queries {
                let answer = try await server.send(.get, "/v1/organization/api_keys?\(query)", as: server.owner)
                #expect(answer.ids == expected.map { made[$0] }, "\(query)")
            }
            let older = try await server.send(
                .get,
                "/v1/organization/api_keys?created_before=\(moment(1))",
                as: server.owner
            )
            #expect(Set(older.ids) == [server.owner.keyID.description, server.member.keyID.description])
            for name in ["created_after", "created_before"] {
                for text in ["", "2026-01-31", "1769860800", "2026-02-30T00:00:00Z", "now"] {
                    let answer = try await server.send(
                        .get,
                        "/v1/organization/api_keys?\(name)=\(text)",
                        as: server.owner
                    )
                    #expect(answer.issuePaths == [name], "\(text)")
                }
            }
        }
    }

    @Test("people see those of their own organizations")
    func people() async throws {
        try await TestServer.run { server async throws in
            let acme: Set = [server.owner.id.description, server.member.id.description]
            #expect(Set(try await server.send(.get, "/v1/user", as: server.member).ids) == acme)
            #expect(
                try await server.send(.get, "/v1/user", as: server.stranger).ids == [server.stranger.id.description]
            )
            #expect(try await server.send(.get, "/v1/user/\(server.owner.id)", as: server.member).status == 200)
            #expect(try await server.send(.get, "/v1/user/\(server.owner.id)", as: server.stranger).status == 403)
        }
    }

    @Test("an owner renames the organization, and every credential knows at once")
    func rename() async throws {
        try await TestServer.run { server in
            let path = "/v1/organization/\(server.owner.organizationID)"
            for person in [server.owner, server.member] {
                #expect(try await server.send(.post, "/api/apikey/login", as: person).text.contains(#""name":"Acme""#))
            }
            let patched = try await server.send(.patch, path, as: server.owner, body: #"{"name":"Apex"}"#)
            #expect(patched["name"] == "Apex")
            for person in [server.owner, server.member] {
                #expect(try await server.send(.post, "/api/apikey/login", as: person).text.contains(#""name":"Apex""#))
            }
            let taken = try await server.send(.patch, path, as: server.owner, body: #"{"name":"Globex"}"#)
            #expect(taken.status == 409)
            taken.expectError(path: path)
        }
    }
}
