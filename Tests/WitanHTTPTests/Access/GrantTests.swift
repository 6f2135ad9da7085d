import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanTesting

@Suite("Grants: who gets what on which object")
struct GrantTests {
    @Test("the same grant again is the one that is there, and says so; any other is a new one")
    func foundExisting() async throws {
        try await TestServer.run { server in
            let project = try await server.project("p")
            let body = JSONValue.grant(.permission(.read), on: .project, project, to: .user(server.member))
            let made = try await server.succeed(.post, "/v1/acl", body)
            #expect(made.header("x-bt-found-existing") == nil)
            #expect(made["_object_org_id"]?.string == server.acme)
            let found = try await server.succeed(.post, "/v1/acl", body)
            #expect(found.header("x-bt-found-existing") == "true")
            #expect(found.text == made.text)
            let others: [JSONValue] = [
                .grant(.permission(.update), on: .project, project, to: .user(server.member)),
                .grant(.permission(.read, for: .dataset), on: .project, project, to: .user(server.member)),
                .grant(.permission(.read), on: .project, project, to: .user(server.owner)),
                .grant(.permission(.read), on: .orgProject, server.acme, to: .user(server.member)),
                .grant(.viewer, on: .project, project, to: .user(server.member)),
            ]
            for other in others {
                let answer = try await server.succeed(.post, "/v1/acl", other)
                #expect(answer.header("x-bt-found-existing") == nil)
                #expect(answer["id"] != made["id"])
            }
        }
    }

    @Test(
        "a grant is to one principal and of one thing",
        arguments: [
            (["user_id", "group_id", "permission"], ["user_id"]), (["permission"], ["user_id"]),
            (["user_id", "permission", "role_id"], ["permission"]), (["user_id"], ["permission"]),
            ([], ["user_id", "permission"]),
            (["user_id", "role_id", "restrict_object_type"], ["restrict_object_type"]),
        ] as [([String], [String])]
    )
    func exactlyOne(given: [String], issues: [String]) async throws {
        try await TestServer.run { server in
            let project = try await server.project("p")
            let values: JSONObject = [
                "user_id": .string(server.member.id.description), "permission": "read",
                "group_id": .string(try await server.builtIn(.viewers)), "restrict_object_type": "dataset",
                "role_id": .string(SystemRole.viewer.id.description),
            ]
            var body: JSONObject = ["object_type": "project", "object_id": .string(project)]
            for name in given { body[name] = values[name] }
            for (method, path, body) in [
                (.post, "/v1/acl", .object(body)), (.delete, "/v1/acl", .object(body)),
                (.post, "/v1/acl/batch_update", ["add_acls": [.object(body)]]),
                (.post, "/v1/acl/batch_update", ["remove_acls": [.object(body)]]),
            ] as [(HTTPRequest.Method, String, JSONValue)] {
                let answer = try await server.call(method, path, body)
                #expect(answer.status == 400, "\(method) \(path): \(answer.text)")
                #expect(answer.issuePaths == issues, "\(method) \(path)")
            }
        }
    }

    @Test("a grant is deleted by its content or by its id, and what is not there cannot be deleted")
    func deletion() async throws {
        try await TestServer.run { server in
            let project = try await server.project("p")
            let body = JSONValue.grant(.permission(.read), on: .project, project, to: .user(server.member))
            let other = JSONValue.grant(
                .permission(.read, for: .dataset),
                on: .project,
                project,
                to: .user(server.member)
            )
            let kept = try await server.make("acl", other)
            for byContent in [true, false] {
                let made = try await server.succeed(.post, "/v1/acl", body)
                let path = "/v1/acl/\(made["id"]?.string ?? "")"
                let deleted = try await server.succeed(.delete, byContent ? "/v1/acl" : path, byContent ? body : nil)
                #expect(deleted.text == made.text)
                #expect(try await server.call(.get, path).status == 403)
                #expect(try await server.call(.delete, path).status == 403)
                #expect(try await server.call(.delete, "/v1/acl", body).status == 403)
            }
            #expect(try await server.succeed(.get, "/v1/acl/\(kept)")["restrict_object_type"] == "dataset")
        }
    }

    @Test(
        "a batch is done in both directions, and again it changes nothing",
        arguments: ["batch_update", "batch-update"]
    )
    func batch(route: String) async throws {
        try await TestServer.run { server in
            let project = try await server.project("p")
            func grant(_ permission: Permission) -> JSONValue {
                .grant(.permission(permission), on: .project, project, to: .user(server.member))
            }
            let old = try await server.make("acl", grant(.delete))
            let batch: JSONValue = [
                "add_acls": [grant(.read), grant(.update), grant(.read)],
                "remove_acls": [grant(.delete), grant(.create)],
            ]
            let first = try await server.succeed(.post, "/v1/acl/\(route)", batch)
            #expect(first["added_acls"]?.array?.compactMap { $0.object?["permission"] } == ["read", "update"])
            #expect(first["removed_acls"]?.array?.compactMap { $0.object?["id"] } == [.string(old)])
            let again = try await server.succeed(.post, "/v1/acl/\(route)", batch)
            #expect(again.text == #"{"added_acls":[],"removed_acls":[]}"#)
            for empty in [[:], ["add_acls": .null, "remove_acls": .null]] as [JSONValue] {
                #expect(try await server.succeed(.post, "/v1/acl/\(route)", empty).text == again.text)
            }
        }
    }

    @Test("a batch of which one part is refused does nothing at all", arguments: ["add_acls", "remove_acls"])
    func atomicBatch(part: String) async throws {
        try await TestServer.run { server in
            let project = try await server.project("p")
            let foreign = try await server.project("theirs", as: server.stranger)
            let present = JSONValue.grant(.permission(.read), on: .project, project, to: .user(server.member))
            try await server.succeed(.post, "/v1/acl", present)
            let before = try await server.succeed(.get, "/v1/acl/list_org").text
            let refused = JSONValue.grant(.permission(.read), on: .project, foreign, to: .user(server.member))
            var batch: JSONObject = [
                "add_acls": [.grant(.permission(.update), on: .project, project, to: .user(server.member))],
                "remove_acls": [present],
            ]
            batch[part] = .array((batch[part]?.array ?? []) + [refused])
            #expect(try await server.call(.post, "/v1/acl/batch_update", .object(batch)).status == 403)
            #expect(try await server.succeed(.get, "/v1/acl/list_org").text == before)
        }
    }

    @Test("a thousand grants in each list of a batch, and not one more")
    func batchLimit() async throws {
        try await TestServer.run { server async throws in
            let grant = JSONValue.grant(.permission(.read), on: .orgProject, server.acme, to: .user(server.member))
            func batch(_ additions: Int, _ removals: Int) async throws -> Int {
                let body: JSONValue = [
                    "add_acls": .array(Array(repeating: grant, count: additions)),
                    "remove_acls": .array(Array(repeating: grant, count: removals)),
                ]
                return try await server.call(.post, "/v1/acl/batch_update", body).status
            }
            #expect(try await batch(1_001, 0) == 400)
            #expect(try await batch(0, 1_001) == 400)
            #expect(try await batch(1_000, 1_000) == 200)
        }
    }

    @Test("the list is of one object, and needs its type and its id")
    func list() async throws {
        try await TestServer.run { server in
            let project = try await server.project("p")
            let group = try await server.group("g")
            let user = try await server.grant(.permission(.read), on: .project, project, to: .user(server.member))
            let restricted = try await server.grant(
                .permission(.update, for: .dataset),
                on: .project,
                project,
                to: .group(group)
            )
            let role = try await server.grant(.viewer, on: .project, project, to: .group(group))
            try await server.grant(.viewer, on: .orgProject, server.acme, to: .group(group))
            for (query, issues) in [
                ("", ["object_type", "object_id"]), ("?object_type=project", ["object_id"]),
                ("?object_id=\(project)", ["object_type"]), ("?object_type=x&object_id=\(project)", ["object_type"]),
                ("?object_type=project&object_id=x", ["object_id"]),
            ] {
                let answer = try await server.call(.get, "/v1/acl\(query)")
                #expect(answer.status == 400, "\(query)")
                #expect(Set(answer.issuePaths) == Set(issues), "\(query)")
            }
            let path = "/v1/acl?object_type=project&object_id=\(project)"
            let viewer = SystemRole.viewer.id
            for (query, expected) in [
                ("&user_id=\(server.member.id)", [user]), ("&group_id=\(group)", [role, restricted]),
                ("&permission=read", [user]), ("&restrict_object_type=dataset", [restricted]),
                ("&role_id=\(viewer)", [role]), ("&role_id=\(viewer)&permission=read", []),
                ("&group_id=\(group)&limit=1", [role]), ("&starting_after=\(restricted)&limit=1", [user]),
                ("&ids=\(user)", [user]), ("&org_name=Acme&permission=read", [user]), ("&org_name=Globex", []),
            ] {
                #expect(try await server.succeed(.get, path + query).ids == expected, "\(query)")
            }
            #expect(try await server.succeed(.get, path).ids.count == 4, "those three, and the maker's own")
        }
    }

    @Test("list_org is a bare array of every grant of the organization, for whoever holds read_acls on it")
    func listOfOrganization() async throws {
        try await TestServer.run { server in
            let project = try await server.project("p")
            let ann = try await server.join("ann")
            let path = "/v1/acl/list_org"
            let all = try await server.succeed(.get, path)
            #expect(all.text.hasPrefix("[{"))
            #expect(all.ids.count == 4, "three built-in groups and a project's maker")
            #expect(try await server.walk(path, as: server.owner, limit: 1) == all.ids)
            let narrow = try await server.succeed(.get, "\(path)?object_type=project&org_name=Acme")
            #expect(narrow.objects.map { $0["object_id"]?.string } == [project])
            for type in [ObjectType.orgProject, .orgMember] {
                try await server.grant(.permission(.readACLs), on: type, server.acme, to: .user(ann))
            }
            #expect(try await server.call(.get, path, as: ann).status == 403)
            try await server.grant(.permission(.readACLs), on: .organization, server.acme, to: .user(ann))
            #expect(try await server.succeed(.get, path, as: ann).ids.count == 7)
            #expect(try await server.succeed(.get, "\(path)?limit=0").text == "[]")
        }
    }

    /// A grant, and a call that it alone makes possible.
    struct Reach: Sendable, CustomTestStringConvertible {
        let permission: Permission
        let type: ObjectType
        let method: HTTPRequest.Method

        /// The path, with `<id>` for the object's id.
        let path: String
        let body: JSONValue?

        /// The id of the object of the call; the organization's when nil.
        let object: (@Sendable (TestServer) async throws -> String)?

        var testDescription: String { "\(permission.rawValue) on \(type.rawValue): \(method) \(path)" }

        init(
            _ permission: Permission,
            on type: ObjectType,
            _ method: HTTPRequest.Method,
            _ path: String,
            _ body: JSONValue? = nil,
            of object: (@Sendable (TestServer) async throws -> String)? = nil
        ) {
            self.permission = permission
            self.type = type
            self.method = method
            self.path = path
            self.body = body
            self.object = object
        }
    }

    private static let group: @Sendable (TestServer) async throws -> String = { try await $0.group("g") }
    private static let role: @Sendable (TestServer) async throws -> String = { try await $0.role("r") }
    private static let project: @Sendable (TestServer) async throws -> String = { try await $0.project("p") }

    private static let description: JSONValue = ["description": "d"]
    private static let members = "/v1/organization/members"

    private static let reaches = [
        Reach(.read, on: .project, .get, "/v1/project/<id>", of: project),
        Reach(.update, on: .project, .patch, "/v1/project/<id>", description, of: project),
        Reach(.delete, on: .project, .delete, "/v1/project/<id>", of: project),
        Reach(.readACLs, on: .project, .get, "/v1/acl?object_type=project&object_id=<id>", of: project),
        Reach(.read, on: .group, .get, "/v1/group/<id>", of: group),
        Reach(.update, on: .group, .patch, "/v1/group/<id>", description, of: group),
        Reach(.delete, on: .group, .delete, "/v1/group/<id>", of: group),
        Reach(.readACLs, on: .group, .get, "/v1/acl?object_type=group&object_id=<id>", of: group),
        Reach(.read, on: .role, .get, "/v1/role/<id>", of: role),
        Reach(.update, on: .role, .patch, "/v1/role/<id>", description, of: role),
        Reach(.delete, on: .role, .delete, "/v1/role/<id>", of: role),
        Reach(.create, on: .orgProject, .post, "/v1/project", ["name": "n"]),
        Reach(.read, on: .orgProject, .get, "/v1/project/<id>", of: project),
        Reach(.update, on: .orgProject, .patch, "/v1/project/<id>", description, of: project),
        Reach(.delete, on: .orgProject, .delete, "/v1/project/<id>", of: project),
        Reach(.create, on: .organization, .post, "/v1/group", ["name": "n"]),
        Reach(.create, on: .organization, .post, "/v1/role", ["name": "n"]),
        Reach(.read, on: .organization, .get, "/v1/organization/<id>"),
        Reach(.update, on: .organization, .patch, "/v1/organization/<id>", ["image_rendering_mode": "auto"]),
        Reach(.readACLs, on: .organization, .get, "/v1/acl/list_org"),
        Reach(.read, on: .orgMember, .get, "/v1/user/<id>") { $0.owner.id.description },
        Reach(.create, on: .orgMember, .patch, members, ["invite_users": ["emails": ["n@acme.test"]]]),
        Reach(.delete, on: .orgMember, .patch, members, ["remove_users": ["emails": ["member@acme.test"]]]),
        Reach(.update, on: .orgMember, .get, "/v1/api_key/<id>") { $0.member.keyID.description },
        Reach(.update, on: .orgMember, .get, "/v1/organization/api_keys"),
        Reach(.read, on: .orgAuditLogs, .get, "/v1/organization/audit_logs"),
    ]

    @Test("a grant makes one call possible, to a user and to a group alike", arguments: reaches, [false, true])
    func reach(_ reach: Reach, toGroup: Bool) async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann")
            let object = try await reach.object?(server) ?? server.acme
            let isOne = [.project, .group, .role].contains(reach.type)
            let principal: Principal = toGroup ? .group(try await server.group("ann's", users: [ann])) : .user(ann)
            func status() async throws -> Int {
                let path = reach.path.replacing("<id>", with: object)
                return try await server.call(reach.method, path, reach.body, as: ann).status
            }
            func grant(_ permission: Permission) async throws {
                try await server.grant(
                    .permission(permission),
                    on: reach.type,
                    isOne ? object : server.acme,
                    to: principal
                )
            }
            #expect(try await status() == 403)
            for permission in Permission.allCases where permission != reach.permission { try await grant(permission) }
            #expect(try await status() == 403)
            try await grant(reach.permission)
            #expect(try await status() == 200)
        }
    }

    @Test("grants of somebody's own list what they may read, and no more")
    func lists() async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann")
            let group = try await server.group("g", users: [ann])
            let role = try await server.role("r", roles: [try await server.role("inner", [.read])])
            var projects: [String] = []
            for number in 0..<6 { projects.append(try await server.project("p\(number)")) }
            try await server.grant(.permission(.read), on: .project, projects[0], to: .user(ann))
            try await server.grant(.permission(.read, for: .project), on: .project, projects[1], to: .group(group))
            try await server.grant(.role(role), on: .project, projects[2], to: .group(group))
            try await server.grant(.permission(.read, for: .dataset), on: .project, projects[3], to: .user(ann))
            try await server.grant(.permission(.update), on: .project, projects[4], to: .user(ann))
            #expect(try await server.walk("/v1/project", as: ann, limit: 1) == [projects[2], projects[1], projects[0]])
            for (index, project) in projects.enumerated() {
                #expect(
                    try await server.call(.get, "/v1/project/\(project)", as: ann).status == (index < 3 ? 200 : 403)
                )
            }
        }
    }

    // MARK: Ownership

    @Test("whoever makes an object owns it, and not what others make")
    func makersOwn() async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann")
            try await server.grant(.permission(.create), on: .organization, server.acme, to: .user(ann))
            for noun in ["project", "group", "role"] {
                let other = try await server.make(noun, ["name": "theirs"])
                let own = try await server.make(noun, ["name": "own"], as: ann)
                #expect(try await server.call(.get, "/v1/\(noun)/\(other)", as: ann).status == 403)
                let grants = try await server.succeed(.get, "/v1/acl?object_type=\(noun)&object_id=\(own)", as: ann)
                #expect(grants.objects.map { $0["role_id"]?.string } == [SystemRole.owner.id.description])
                #expect(grants.objects.map { $0["user_id"]?.string } == [ann.id.description])
                try await server.succeed(.patch, "/v1/\(noun)/\(own)", ["description": "d"], as: ann)
                let share = JSONValue.grant(
                    .viewer,
                    on: try #require(ObjectType(rawValue: noun)),
                    own,
                    to: .user(server.member)
                )
                try await server.succeed(.post, "/v1/acl", share, as: ann)
                try await server.succeed(.delete, "/v1/\(noun)/\(own)", as: ann)
            }
        }
    }

    @Test("an organization can leave that off")
    func withoutOwnership() async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann")
            try await server.grant(.permission(.create), on: .organization, server.acme, to: .user(ann))
            try await server.accounts.setGrantsOwnership(false, in: "Acme")
            let project = try await server.project("p", as: ann)
            #expect(try await server.reach(project, as: ann) == [403, 403])
            #expect(try await server.succeed(.get, "/v1/acl?object_type=project&object_id=\(project)").ids == [])
            try await server.accounts.setGrantsOwnership(true, in: "Acme")
            #expect(try await server.reach(project, as: ann) == [403, 403])
            #expect(try await server.reach(server.project("q", as: ann), as: ann) == [200, 200])
        }
    }
}
