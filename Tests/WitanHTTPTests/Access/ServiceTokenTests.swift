import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanTesting

@Suite("Service tokens let a service account in wherever a key lets a person in")
struct ServiceTokenTests {
    private static let path = "/v1/service_token"

    private static func body(_ name: String, of account: TestServer.Person) -> JSONValue {
        ["name": .string(name), "service_account_id": .string(account.id.description)]
    }

    @Test("a token is made with its secret, shown without it, and is refused once it is deleted")
    func life() async throws {
        try await TestServer.run { server in
            let robot = try await server.serviceAccount("robot", groups: ["Viewers"])
            let made = try await server.succeed(.post, Self.path, Self.body("second", of: robot))
            let secret = try #require(made["key"]?.string)
            #expect(secret.hasPrefix("bt-st-"))
            #expect(made["preview_name"]?.string?.hasSuffix(String(secret.suffix(4))) == true)
            #expect(made["service_account_email"]?.string == robot.email)
            #expect(made["service_account_name"] == "robot")
            let id = try #require(made["id"]?.string)
            let shown = try await server.succeed(.get, "\(Self.path)/\(id)")
            #expect(shown["key"] == nil)
            #expect(!shown.text.contains(secret))
            let named = try await server.succeed(.get, "\(Self.path)?service_token_name=second")
            #expect(named.ids == [id])
            func use() async throws -> Int {
                try await server.send(.get, "/v1/project", headers: ["authorization": "Bearer \(secret)"]).status
            }
            for _ in 1...2 { #expect(try await use() == 200) }
            try await server.succeed(.delete, "\(Self.path)/\(id)")
            #expect(try await use() == 401)
            #expect(try await server.call(.get, "/v1/project", as: robot).status == 200)
        }
    }

    @Test("names are not unique: each POST makes another token")
    func names() async throws {
        try await TestServer.run { server in
            let robot = try await server.serviceAccount("robot")
            let first = try await server.succeed(.post, Self.path, Self.body("same", of: robot))
            let second = try await server.succeed(.post, Self.path, Self.body("same", of: robot))
            #expect(first["id"] != second["id"])
            #expect(first["key"] != second["key"])
            #expect(second.header("x-bt-found-existing") == nil)
        }
    }

    @Test("PUT renews the secret of the token of that name: the old one is dead at once, the new one lives")
    func rotation() async throws {
        try await TestServer.run { server in
            let robot = try await server.serviceAccount("robot", groups: ["Viewers"])
            func use(_ secret: String) async throws -> Int {
                try await server.send(.get, "/v1/project", headers: ["authorization": "Bearer \(secret)"]).status
            }
            let made = try await server.succeed(.put, Self.path, Self.body("rotated", of: robot))
            var secret = try #require(made["key"]?.string)
            for _ in 1...3 {
                // The second time from the cache.
                for _ in 1...2 { #expect(try await use(secret) == 200) }
                let renewed = try await server.succeed(.put, Self.path, Self.body("rotated", of: robot))
                #expect(renewed["id"] == made["id"])
                #expect(renewed["preview_name"] != made["preview_name"])
                let next = try #require(renewed["key"]?.string)
                #expect(next != secret)
                #expect(try await use(secret) == 401)
                for _ in 1...2 { #expect(try await use(next) == 200) }
                secret = next
            }
            let id = try #require(made["id"]?.string)
            try await server.succeed(.delete, Self.path, ["id": .string(id)])
            #expect(try await use(secret) == 401)
            #expect(try await server.call(.get, "/v1/project", as: robot).status == 200)
        }
    }

    @Test("a session for a service account's address, though its signature is right, is no credential")
    func session() async throws {
        try await TestServer.run { server in
            let robot = try await server.serviceAccount("robot", groups: ["Owners"])
            #expect(try await server.call(.get, "/v1/project", as: robot).status == 200)
            #expect(try await server.call(.get, "/v1/project", as: server.session(of: robot)).status == 401)
        }
    }

    @Test("PUT leaves the token of that name alone that another account has")
    func nameOfAnother() async throws {
        try await TestServer.run { server in
            let accounts = [try await server.serviceAccount("one"), try await server.serviceAccount("two")]
            var made: [TestServer.Answer] = []
            for account in accounts {
                made.append(try await server.succeed(.put, Self.path, Self.body("deploy", of: account)))
            }
            #expect(made[0]["id"] != made[1]["id"])
            for (answer, account) in zip(made, accounts) {
                #expect(answer["service_account_id"]?.string == account.id.description)
                let key = try #require(answer["key"]?.string)
                let headers: KeyValuePairs = ["authorization": "Bearer \(key)"]
                #expect(
                    try await server.send(.post, "/api/self/me", headers: headers)["id"]?.string
                        == account.id.description
                )
            }
        }
    }

    @Test("tokens are for service accounts of the organization alone")
    func accounts() async throws {
        try await TestServer.run { server in
            let foreign = try await server.serviceAccount("robot", by: server.stranger)
            for (person, status) in [(server.member, 400), (server.owner, 400), (foreign, 403), (server.stranger, 403)]
            {
                for method in [HTTPRequest.Method.post, .put] {
                    let answer = try await server.call(method, Self.path, Self.body("t", of: person))
                    #expect(answer.status == status, "\(person.email)")
                }
            }
            let removed = try await server.serviceAccount("removed")
            try await server.succeed(
                .patch,
                "/v1/organization/members",
                ["remove_users": ["ids": .ids([removed])]]
            )
            #expect(try await server.call(.post, Self.path, Self.body("t", of: removed)).status == 403)
        }
    }

    @Test(
        "DELETE by the body takes exactly an id",
        arguments: [
            ("{}", ["id"]), (#"{"id":"x"}"#, ["id"]), (#"{"id":null}"#, ["id"]), (#"{"name":"t"}"#, ["id", "name"]),
        ]
    )
    func deletionBody(body: String, issues: [String]) async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.delete, Self.path, as: server.owner, body: .text(body))
            #expect(answer.status == 400)
            #expect(answer.issuePaths == issues)
        }
    }

    @Test("a service account sees and deletes its own tokens, and makes neither tokens nor keys")
    func own() async throws {
        try await TestServer.run { server in
            let robot = try await server.serviceAccount("robot")
            let other = try await server.serviceAccount("other")
            #expect(try await server.succeed(.get, Self.path, as: robot).ids == [robot.keyID.description])
            #expect(try await server.call(.get, "\(Self.path)/\(other.keyID)", as: robot).status == 403)
            #expect(try await server.call(.post, Self.path, Self.body("t", of: robot), as: robot).status == 403)
            #expect(try await server.call(.post, "/v1/api_key", ["name": "k"], as: robot).status == 403)
            try await server.succeed(.delete, "\(Self.path)/\(robot.keyID)", as: robot)
            #expect(try await server.call(.get, Self.path, as: robot).status == 401)
        }
    }

    @Test("where only service tokens make service tokens, one of an owner does, and an owner's key and session do not")
    func policy() async throws {
        var options = TestServer.Options()
        options.tokenMinting = .serviceTokens
        try await TestServer.run(options) { server in
            let members = "/v1/organization/members"
            try await server.succeed(
                .patch,
                members,
                ["invite_users": ["service_accounts": [["name": "robot"]], "group_name": "Owners"]]
            )
            let id = try #require(try await server.succeed(.get, "/v1/user?given_name=robot").ids.first)
            let body: JSONValue = ["name": "t", "service_account_id": .string(id)]
            let invitation: JSONValue = ["invite_users": ["service_accounts": [["name": "bot", "token_name": "t"]]]]
            for person in [server.owner, try server.session(of: server.owner)] {
                for (method, path, body) in [
                    (.post, Self.path, body), (.put, Self.path, body), (.patch, members, invitation),
                ] as [(HTTPRequest.Method, String, JSONValue)] {
                    let answer = try await server.call(method, path, body, as: person)
                    #expect(answer.status == 403)
                    #expect(answer["Message"] == "Only a service token can create service tokens on this server.")
                }
            }
            #expect(try await server.succeed(.get, "/v1/user?given_name=bot").ids == [])

            let caller = try await server.accounts.caller(email: server.owner.email)
            let first = try await server.services[ServiceTokenResource.resource].create(body, for: caller)
            let secret = try #require(first.revealed.first?.value)
            let headers: KeyValuePairs = ["authorization": "Bearer \(secret)"]
            for (method, path, body) in [
                (.post, Self.path, body), (.put, Self.path, body), (.patch, members, invitation),
            ] as [(HTTPRequest.Method, String, JSONValue)] {
                let answer = try await server.send(method, path, headers: headers, body: .json(body))
                #expect(answer.status == 200, "\(answer.text)")
            }
        }
    }
}
