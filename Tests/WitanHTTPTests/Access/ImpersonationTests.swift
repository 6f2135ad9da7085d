import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

@Suite("An owner acts as somebody else by x-bt-impersonate-user")
struct ImpersonationTests {
    /// How a request names whom to act as.
    enum Naming: String, Sendable, CaseIterable {
        case id, email, upperCaseEmail

        func header(of person: TestServer.Person) -> KeyValuePairs<String, String> {
            switch self {
            case .id: ["x-bt-impersonate-user": person.id.description]
            case .email: ["x-bt-impersonate-user": person.email]
            case .upperCaseEmail: ["x-bt-impersonate-user": person.email.uppercased()]
            }
        }
    }

    @Test(
        "by id and by address, with a key and with a session: exactly what that person may do",
        arguments: Naming.allCases
    )
    func acting(naming: Naming) async throws {
        try await TestServer.run { server in
            let viewer = try await server.join("viewer", groups: ["Viewers"])
            let project = try await server.project("p")
            for owner in [server.owner, try server.session(of: server.owner)] {
                let headers = naming.header(of: viewer)
                let me = try await server.call(.post, "/api/self/me", as: owner, headers: headers)
                #expect(me["email"]?.string == viewer.email)
                let keys = try await server.call(.get, "/v1/api_key", as: owner, headers: headers)
                #expect(keys.ids == [viewer.keyID.description])
                let read = try await server.call(.get, "/v1/project/\(project)", as: owner, headers: headers)
                #expect(read.status == 200)
                let patch = try await server.call(
                    .patch,
                    "/v1/project/\(project)",
                    ["description": "d"],
                    as: owner,
                    headers: headers
                )
                #expect(patch.status == 403)
            }
        }
    }

    @Test("whoever tries in vain leaves a row in the audit log, with whom they tried to be")
    func refusalIsTold() async throws {
        try await TestServer.run { server in
            let headers = Naming.id.header(of: server.owner)
            #expect(try await server.call(.get, "/v1/project", as: server.member, headers: headers).status == 403)
            let row = try #require(try await server.auditRows().last)
            #expect(row["event_type"] == "user.impersonated")
            #expect(row["outcome"] == "denied")
            #expect(row["actor_id"] == .text(server.member.id.description))
            #expect(row["object_id"] == .text(server.owner.id.description))
            #expect(row["org_id"] == .text(server.acme))
        }
    }

    @Test("an owner by a grant on the organization is one too, and no longer when it is gone")
    func byGrant() async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann")
            let headers = Naming.email.header(of: server.member)
            #expect(try await server.call(.get, "/v1/project", as: ann, headers: headers).status == 403)
            let grant = try await server.grant(.owner, on: .organization, server.acme, to: .user(ann))
            #expect(try await server.call(.get, "/v1/project", as: ann, headers: headers).status == 200)
            try await server.succeed(.delete, "/v1/acl/\(grant)")
            #expect(try await server.call(.get, "/v1/project", as: ann, headers: headers).status == 403)
        }
    }

    @Test("nobody but a person who owns every organization that the other is in", arguments: Naming.allCases)
    func refused(naming: Naming) async throws {
        try await TestServer.run { server in
            let viewer = try await server.join("viewer", groups: ["Viewers"])
            let robot = try await server.serviceAccount("robot", groups: ["Owners"])
            let both = try await server.join("both", groups: ["Viewers"])
            _ = try await server.accounts.add(.init(email: both.email), to: "Globex", groups: ["Viewers"])
            let left = try await server.join("left")
            try await server.succeed(.patch, "/v1/organization/members", ["remove_users": ["ids": .ids([left])]])
            for (caller, other) in [
                (server.member, viewer), (viewer, server.member), (viewer, server.owner), (robot, viewer),
                (server.owner, server.stranger), (server.stranger, viewer), (server.owner, both),
                (server.stranger, both), (server.owner, left), (try server.session(of: server.owner), both),
            ] {
                let answer = try await server.call(
                    .get,
                    "/v1/project",
                    as: caller,
                    headers: naming.header(of: other)
                )
                #expect(answer.status == 403, "\(caller.email) as \(other.email)")
            }
            // Whoever owns both may, and acts in both with a session, in one with its key.
            _ = try await server.accounts.add(.init(email: server.owner.email), to: "Globex", groups: ["Owners"])
            for (caller, count) in [(server.owner, 1), (try server.session(of: server.owner), 2)] {
                let answer = try await server.call(
                    .get,
                    "/v1/organization",
                    as: caller,
                    headers: naming.header(of: both)
                )
                #expect(answer.ids.count == count)
            }
        }
    }

    @Test("whoever acts as somebody else makes no keys and no tokens, not even as another owner")
    func noCredentials() async throws {
        try await TestServer.run { server in
            let second = try await server.join("second", groups: ["Owners"])
            let robot = try await server.serviceAccount("robot")
            let body: JSONValue = ["name": "t", "service_account_id": .string(robot.id.description)]
            let headers = Naming.id.header(of: second)
            let key = try await server.call(.post, "/v1/api_key", ["name": "k"], headers: headers)
            #expect(key.status == 403)
            #expect(key["Message"] == "API keys cannot create API keys")
            for (method, path, body) in [
                (.post, "/v1/service_token", body), (.put, "/v1/service_token", body),
                (
                    .patch, "/v1/organization/members",
                    ["invite_users": ["service_accounts": [["name": "bot", "token_name": "t"]]]]
                ),
            ] as [(HTTPRequest.Method, String, JSONValue)] {
                #expect(try await server.call(method, path, body, headers: headers).status == 403, "\(method) \(path)")
            }
            let keys = try await server.succeed(.get, "/v1/organization/api_keys").ids
            #expect(keys.count == 3)
            #expect(try await server.succeed(.get, "/v1/service_token").ids == [robot.keyID.description])
        }
    }

    @Test("the audit rows of what was done and refused name both")
    func audit() async throws {
        try await TestServer.run { server in
            let headers = Naming.email.header(of: server.member)
            let made = try await server.call(.post, "/v1/project", ["name": "p"], headers: headers)
            #expect(made["user_id"]?.string == server.member.id.description)
            #expect(try await server.call(.post, "/v1/group", ["name": "g"], headers: headers).status == 403)
            for type in ["project.created", "group.created"] {
                let rows = try await server.succeed(.get, "/v1/organization/audit_logs?event_type=\(type)")
                let row = try #require(rows.objects.first)
                #expect(row["actor_id"]?.string == server.owner.id.description)
                #expect(row["actor_email"]?.string == server.owner.email)
                #expect(row["impersonated_id"]?.string == server.member.id.description)
                #expect(row["impersonated_email"]?.string == server.member.email)
                #expect(row["credential_id"]?.string == server.owner.keyID.description)
            }
        }
    }

    @Test("the other's removal, and the loss of ownership, end it with the next request")
    func narrowing() async throws {
        try await TestServer.run { server in
            let second = try await server.join("second", groups: ["Owners"])
            let viewer = try await server.join("viewer", groups: ["Viewers"])
            let headers = Naming.id.header(of: viewer)
            for owner in [server.owner, second] {
                #expect(try await server.call(.get, "/v1/project", as: owner, headers: headers).status == 200)
            }
            let owners = try await server.builtIn(.owners)
            try await server.succeed(.patch, "/v1/group/\(owners)", ["remove_member_users": .ids([second])])
            #expect(try await server.call(.get, "/v1/project", as: second, headers: headers).status == 403)
            try await server.succeed(
                .patch,
                "/v1/organization/members",
                ["remove_users": ["ids": .ids([viewer])]]
            )
            #expect(try await server.call(.get, "/v1/project", headers: headers).status == 403)
        }
    }
}
