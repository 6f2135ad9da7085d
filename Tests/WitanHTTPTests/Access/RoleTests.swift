import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

@Suite("Roles are sets of permissions, which take over those of others")
struct RoleTests {
    @Test("everybody finds the system roles by name and by id, of no organization, with what they let do")
    func systemRoles() async throws {
        try await TestServer.run { server in
            let nobody = try await server.memberOfNoGroup()
            let changes: Set<String> = ["create", "read", "update", "delete"]
            for person in [server.owner, server.member, server.stranger, nobody] {
                for (name, role, held) in [
                    ("Owner", SystemRole.owner, changes.union(changes.map { "\($0)_acls" })),
                    ("Engineer", .engineer, changes), ("Viewer", .viewer, ["read"]),
                ] {
                    let list = try await server.succeed(.get, "/v1/role?role_name=\(name)", as: person)
                    #expect(list.ids == [role.id.description])
                    let object = try await server.succeed(.get, "/v1/role/\(role.id)", as: person)
                    #expect(object["org_id"] == .null)
                    #expect(object["user_id"] == .null)
                    let permissions = object["member_permissions"]?.array?.compactMap(\.object) ?? []
                    #expect(Set(permissions.compactMap { $0["permission"]?.string }) == held, "\(name)")
                    let types = Set(permissions.map { $0["restrict_object_type"]?.string })
                    #expect(types.contains(nil) == (role == .owner), "\(name)")
                    #expect(!types.contains("org_audit_logs"), "\(name)")
                }
            }
        }
    }

    @Test("nobody changes a system role, or makes another of its name", arguments: SystemRole.allCases)
    func immutable(role: SystemRole) async throws {
        try await TestServer.run { server in
            let path = "/v1/role/\(role.id)"
            let before = try await server.succeed(.get, path).text
            let name = try #require(try await server.succeed(.get, path)["name"])
            let changes: [(HTTPRequest.Method, String, JSONValue?)] = [
                (.patch, path, ["name": "mine"]), (.patch, path, ["add_member_permissions": .permissions([.delete])]),
                (.patch, path, ["remove_member_permissions": .permissions([.read])]), (.delete, path, nil),
                (.put, "/v1/role", ["name": name, "member_permissions": []]),
            ]
            for (method, path, body) in changes {
                #expect(try await server.call(method, path, body).status == 403, "\(method)")
            }
            let found = try await server.succeed(.post, "/v1/role", ["name": name, "description": "mine"])
            #expect(found.header("x-bt-found-existing") == "true")
            #expect(found["id"]?.string == role.id.description)
            let own = try await server.role("mine")
            let renamed = try await server.call(.patch, "/v1/role/\(own)", ["name": name])
            #expect(renamed.status == 409)
            #expect(try await server.succeed(.get, path).text == before)
            #expect(try await server.succeed(.get, "/v1/role?role_name=\(name.string ?? "")").ids.count == 1)
        }
    }

    @Test("permissions are added and removed each with its restriction, and twice the same is once")
    func permissions() async throws {
        try await TestServer.run { server in
            let role = try await server.role("r", [.read])
            let path = "/v1/role/\(role)"
            let all: JSONValue = ["permission": "update", "restrict_object_type": .null]
            let datasets: JSONValue = ["permission": "update", "restrict_object_type": "dataset"]
            let read: JSONValue = ["permission": "read", "restrict_object_type": .null]
            func held() async throws -> Set<JSONValue> {
                Set(try await server.succeed(.get, path)["member_permissions"]?.array ?? [])
            }
            for _ in 1...2 {
                try await server.succeed(
                    .patch,
                    path,
                    ["add_member_permissions": [["permission": "update"], datasets]]
                )
                #expect(try await held() == [read, all, datasets])
            }
            for _ in 1...2 {
                try await server.succeed(.patch, path, ["remove_member_permissions": [["permission": "update"]]])
                #expect(try await held() == [read, datasets])
            }
            try await server.succeed(.patch, path, ["remove_member_permissions": [datasets, read]])
            #expect(try await held() == [])
            let replaced = try await server.succeed(.put, "/v1/role", ["name": "r", "member_permissions": [datasets]])
            #expect(replaced["member_permissions"] == [datasets])
        }
    }

    @Test(
        "a permission is one of the eight, and its restriction one of the types",
        arguments: [
            #"{"permission":"write"}"#, #"{"permission":"read","restrict_object_type":"file"}"#, "{}",
            #"{"permission":"read","more":1}"#, #"{"permission":null}"#, #""read""#,
        ]
    )
    func misfits(item: String) async throws {
        try await TestServer.run { server in
            let item = try JSONParser.parse(item)
            let answer = try await server.call(.post, "/v1/role", ["name": "r", "member_permissions": [item]])
            #expect(answer.status == 400)
            #expect(answer.issuePaths.first == "member_permissions")
        }
    }

    @Test("what a role takes over, at any depth, its holders can do, and what is added inside they can at once")
    func inheritance() async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann")
            let project = try await server.project("p")
            let inner = try await server.role("inner", [.read])
            let middle = try await server.role("middle", roles: [inner])
            let outer = try await server.role("outer", roles: [middle])
            try await server.grant(.role(outer), on: .project, project, to: .user(ann))
            for _ in 1...2 { #expect(try await server.reach(project, as: ann) == [200, 403]) }
            try await server.succeed(.patch, "/v1/role/\(inner)", ["add_member_permissions": .permissions([.update])])
            #expect(try await server.reach(project, as: ann) == [200, 200])
            #expect(try await server.succeed(.get, "/v1/role/\(outer)")["member_roles"] == .ids([middle]))
        }
    }

    @Test("a restricted permission counts for objects of its type alone")
    func restriction() async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann")
            let project = try await server.project("p")
            for (type, expected) in [("dataset", 403), ("project", 200)] {
                let role = try await server.make(
                    "role",
                    [
                        "name": .string(type),
                        "member_permissions": [["permission": "read", "restrict_object_type": .string(type)]],
                    ]
                )
                try await server.grant(.role(role), on: .orgProject, server.acme, to: .user(ann))
                #expect(try await server.call(.get, "/v1/project/\(project)", as: ann).status == expected)
            }
        }
    }

    @Test("a role of another organization can be neither given nor taken over")
    func foreign() async throws {
        try await TestServer.run { server in
            let foreign = try await server.role("theirs", [.read], as: server.stranger)
            let own = try await server.role("ours")
            let grant = JSONValue.grant(.role(foreign), on: .organization, server.acme, to: .user(server.member))
            #expect(try await server.call(.post, "/v1/acl", grant).status == 403)
            let patch: JSONValue = ["add_member_roles": .ids([foreign])]
            #expect(try await server.call(.patch, "/v1/role/\(own)", patch).status == 403)
        }
    }

    @Test("`project_group` restricts a permission like any other kind, and no object of it is there to be granted on")
    func projectGroup() async throws {
        try await TestServer.run { server in
            let permissions: JSONValue = [["permission": "read", "restrict_object_type": "project_group"]]
            let role = try await server.succeed(
                .post,
                "/v1/role",
                ["name": "groups", "member_permissions": permissions]
            )
            #expect(role["member_permissions"] == permissions)
            let answer = try await server.call(
                .post,
                "/v1/acl",
                [
                    "object_type": "project_group", "object_id": .string(server.acme),
                    "user_id": .string(server.member.id.description), "permission": "read",
                ]
            )
            #expect(answer.status == 403)
        }
    }
}
