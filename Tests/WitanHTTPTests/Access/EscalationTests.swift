import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

@Suite("Nobody gives themselves or others more than they hold")
struct EscalationTests {
    /// A way to more, tried by somebody who may do all that it takes but for the gain itself.
    struct Attempt: Sendable, CustomTestStringConvertible {
        let testDescription: String

        /// Gives Mallory what the call takes, and returns the call.
        let prepare: @Sendable (Scene) async throws -> Call

        init(_ description: String, _ prepare: @escaping @Sendable (Scene) async throws -> Call) {
            testDescription = description
            self.prepare = prepare
        }
    }

    struct Call: Sendable {
        let method: HTTPRequest.Method
        let path: String
        let body: JSONValue

        init(_ method: HTTPRequest.Method, _ path: String, _ body: JSONValue) {
            self.method = method
            self.path = path
            self.body = body
        }
    }

    /// Mallory, who is in no built-in group, in a group of her own, beside a project that she may not touch.
    struct Scene: Sendable {
        let server: TestServer
        let mallory: TestServer.Person
        let project: String
        let own: String

        static func make(on server: TestServer) async throws -> Scene {
            let mallory = try await server.join("mallory")
            return Scene(
                server: server,
                mallory: mallory,
                project: try await server.project("secret"),
                own: try await server.group("mallory's", users: [mallory])
            )
        }

        func allow(_ permissions: Permission..., on type: ObjectType, _ id: String) async throws {
            for permission in permissions {
                try await server.grant(.permission(permission), on: type, id, to: .user(mallory))
            }
        }

        /// A group that holds the role Owner on the project, or on the organization, and that Mallory may change.
        func powerful(on type: ObjectType = .project, groups: [String] = []) async throws -> String {
            let group = try await server.group("powerful", groups: groups)
            try await server.grant(.owner, on: type, type == .project ? project : server.acme, to: .group(group))
            if groups.isEmpty { try await allow(.read, .update, on: .group, group) }
            return group
        }

        /// A role without permissions that Mallory has on the project, and may change.
        func role() async throws -> String {
            let role = try await server.role("mallory's")
            try await server.grant(.role(role), on: .project, project, to: .user(mallory))
            try await allow(.read, .update, on: .role, role)
            return role
        }
    }

    static let attempts = grants + memberships + roles + invitations

    private static let grants = [
        Attempt("POST /v1/acl of a permission to oneself") { scene in
            try await scene.allow(.createACLs, on: .project, scene.project)
            return Call(
                .post,
                "/v1/acl",
                .grant(.permission(.read), on: .project, scene.project, to: .user(scene.mallory))
            )
        },
        Attempt("POST /v1/acl of a role to oneself") { scene in
            try await scene.allow(.createACLs, on: .project, scene.project)
            return Call(.post, "/v1/acl", .grant(.owner, on: .project, scene.project, to: .user(scene.mallory)))
        },
        Attempt("POST /v1/acl to one's group") { scene in
            try await scene.allow(.createACLs, on: .project, scene.project)
            return Call(.post, "/v1/acl", .grant(.viewer, on: .project, scene.project, to: .group(scene.own)))
        },
        Attempt("POST /v1/acl of a permission for all types, held for one") { scene in
            let server = scene.server
            try await scene.allow(.createACLs, on: .orgProject, server.acme)
            try await server.grant(
                .permission(.read, for: .dataset),
                on: .orgProject,
                server.acme,
                to: .user(scene.mallory)
            )
            return Call(
                .post,
                "/v1/acl",
                .grant(.permission(.read), on: .orgProject, server.acme, to: .user(scene.mallory))
            )
        },
        Attempt("POST /v1/acl on the organization") { scene in
            try await scene.allow(.createACLs, on: .organization, scene.server.acme)
            return Call(
                .post,
                "/v1/acl",
                .grant(.owner, on: .organization, scene.server.acme, to: .user(scene.mallory))
            )
        },
        Attempt("POST /v1/acl of update_acls itself") { scene in
            try await scene.allow(.createACLs, .readACLs, .deleteACLs, on: .organization, scene.server.acme)
            return Call(
                .post,
                "/v1/acl",
                .grant(.permission(.updateACLs), on: .organization, scene.server.acme, to: .group(scene.own))
            )
        },
        Attempt("POST /v1/acl on the members") { scene in
            try await scene.allow(.createACLs, on: .orgMember, scene.server.acme)
            return Call(
                .post,
                "/v1/acl",
                .grant(.permission(.delete), on: .orgMember, scene.server.acme, to: .user(scene.mallory))
            )
        },
        Attempt("POST /v1/acl on the audit log") { scene in
            try await scene.allow(.createACLs, on: .orgAuditLogs, scene.server.acme)
            return Call(
                .post,
                "/v1/acl",
                .grant(.permission(.read), on: .orgAuditLogs, scene.server.acme, to: .user(scene.mallory))
            )
        },
        Attempt("POST /v1/acl on a group that is powerful") { scene in
            let group = try await scene.server.group("powerful")
            try await scene.server.grant(.owner, on: .organization, scene.server.acme, to: .group(group))
            try await scene.allow(.createACLs, on: .group, group)
            return Call(.post, "/v1/acl", .grant(.permission(.update), on: .group, group, to: .user(scene.mallory)))
        },
        Attempt("POST /v1/acl on a role") { scene in
            let role = try await scene.server.role("strong", [.read])
            try await scene.allow(.createACLs, on: .role, role)
            return Call(.post, "/v1/acl", .grant(.permission(.update), on: .role, role, to: .user(scene.mallory)))
        },
        Attempt("POST /v1/acl/batch_update, after what may be given") { scene in
            try await scene.allow(.createACLs, .read, on: .project, scene.project)
            return Call(
                .post,
                "/v1/acl/batch_update",
                [
                    "add_acls": [
                        .grant(.permission(.read), on: .project, scene.project, to: .group(scene.own)),
                        .grant(.permission(.update), on: .project, scene.project, to: .group(scene.own)),
                    ]
                ]
            )
        },
    ]

    private static let memberships = [
        Attempt("PATCH /v1/group with add_member_users") { scene in
            let group = try await scene.powerful()
            return Call(.patch, "/v1/group/\(group)", ["add_member_users": .ids([scene.mallory])])
        },
        Attempt("PATCH /v1/group with add_member_groups") { scene in
            let group = try await scene.powerful()
            return Call(.patch, "/v1/group/\(group)", ["add_member_groups": .ids([scene.own])])
        },
        Attempt("PUT /v1/group with member_users") { scene in
            _ = try await scene.powerful()
            return Call(.put, "/v1/group", ["name": "powerful", "member_users": .ids([scene.mallory])])
        },
        Attempt("PUT /v1/group with member_groups") { scene in
            _ = try await scene.powerful()
            return Call(.put, "/v1/group", ["name": "powerful", "member_groups": .ids([scene.own])])
        },
        Attempt("PATCH of a group that is in a powerful one, three deep") { scene in
            let inner = try await scene.server.group("inner")
            let middle = try await scene.server.group("middle", groups: [inner])
            _ = try await scene.powerful(groups: [middle])
            try await scene.allow(.read, .update, on: .group, inner)
            return Call(.patch, "/v1/group/\(inner)", ["add_member_users": .ids([scene.mallory])])
        },
        Attempt("PATCH of the group Owners") { scene in
            let owners = try await scene.server.builtIn(.owners)
            try await scene.allow(.read, .update, on: .group, owners)
            return Call(.patch, "/v1/group/\(owners)", ["add_member_users": .ids([scene.mallory])])
        },
        Attempt("PATCH of a group that owns the organization, by one who owns the group") { scene in
            let group = try await scene.powerful(on: .organization)
            try await scene.server.grant(.owner, on: .group, group, to: .user(scene.mallory))
            return Call(.patch, "/v1/group/\(group)", ["add_member_users": .ids([scene.mallory])])
        },
    ]

    private static let roles = [
        Attempt("PATCH /v1/role with add_member_permissions") { scene in
            let role = try await scene.role()
            return Call(.patch, "/v1/role/\(role)", ["add_member_permissions": .permissions([.delete])])
        },
        Attempt("PATCH /v1/role with add_member_roles") { scene in
            let role = try await scene.role()
            return Call(.patch, "/v1/role/\(role)", ["add_member_roles": .ids([SystemRole.owner.id.description])])
        },
        Attempt("PUT /v1/role with member_permissions") { scene in
            _ = try await scene.role()
            return Call(.put, "/v1/role", ["name": "mallory's", "member_permissions": .permissions([.read])])
        },
        Attempt("PUT /v1/role with member_roles") { scene in
            _ = try await scene.role()
            return Call(
                .put,
                "/v1/role",
                ["name": "mallory's", "member_roles": .ids([SystemRole.viewer.id.description])]
            )
        },
        Attempt("PATCH of a role that another takes over, three deep") { scene in
            let inner = try await scene.server.role("inner")
            let middle = try await scene.server.role("middle", roles: [inner])
            let outer = try await scene.server.role("outer", roles: [middle])
            try await scene.server.grant(.role(outer), on: .project, scene.project, to: .group(scene.own))
            try await scene.allow(.read, .update, on: .role, inner)
            return Call(.patch, "/v1/role/\(inner)", ["add_member_permissions": .permissions([.update])])
        },
        Attempt("PATCH of a role with a member role that has more") { scene in
            let strong = try await scene.server.role("strong", [.update, .delete])
            let role = try await scene.role()
            return Call(.patch, "/v1/role/\(role)", ["add_member_roles": .ids([strong])])
        },
    ]

    private static let invitations = [
        Attempt("an invitation into Owners by name") { scene in
            try await scene.allow(.create, on: .orgMember, scene.server.acme)
            return Call(
                .patch,
                "/v1/organization/members",
                ["invite_users": ["emails": ["friend@acme.test"], "group_names": ["Owners"]]]
            )
        },
        Attempt("an invitation into Owners by id") { scene in
            try await scene.allow(.create, on: .orgMember, scene.server.acme)
            let owners = try await scene.server.builtIn(.owners)
            return Call(
                .patch,
                "/v1/organization/members",
                ["invite_users": ["emails": ["friend@acme.test"], "group_ids": .ids([owners])]]
            )
        },
        Attempt("an invitation in the singular, into a group that is in a powerful one") { scene in
            try await scene.allow(.create, on: .orgMember, scene.server.acme)
            let inner = try await scene.server.group("inner")
            _ = try await scene.powerful(groups: [inner])
            return Call(
                .patch,
                "/v1/organization/members",
                ["invite_users": ["emails": ["friend@acme.test"], "group_id": .string(inner)]]
            )
        },
        Attempt("a service account into Engineers") { scene in
            try await scene.allow(.create, on: .orgMember, scene.server.acme)
            return Call(
                .patch,
                "/v1/organization/members",
                ["invite_users": ["service_accounts": [["name": "robot"]], "group_name": "Engineers"]]
            )
        },
    ]

    @Test(
        "whoever holds less is refused, and with update_acls on the organization the same call goes",
        arguments: attempts
    )
    func refused(_ attempt: Attempt) async throws {
        try await TestServer.run { server in
            let scene = try await Scene.make(on: server)
            let call = try await attempt.prepare(scene)
            let before = try await Self.state(of: scene)
            let refusal = try await server.call(call.method, call.path, call.body, as: scene.mallory)
            #expect(refusal.status == 403)
            #expect(
                refusal["Message"]?.string?.hasPrefix("This would give others what you do not hold yourself on ")
                    == true,
                "\(refusal.text)"
            )
            #expect(try await Self.state(of: scene) == before)
            try await scene.allow(.updateACLs, on: .organization, server.acme)
            let allowed = try await Self.state(of: scene)
            try await server.succeed(call.method, call.path, call.body, as: scene.mallory)
            #expect(try await Self.state(of: scene) != allowed)
        }
    }

    @Test(
        "what somebody holds themselves they may give, and no permission more",
        arguments: [[.read], [.read, .update], [.delete, .readACLs]] as [[Permission]]
    )
    func covering(held: [Permission]) async throws {
        try await TestServer.run { server in
            let scene = try await Scene.make(on: server)
            let friend = try await server.join("friend")
            try await scene.allow(.createACLs, on: .project, scene.project)
            for permission in held { try await scene.allow(permission, on: .project, scene.project) }
            for permission in Permission.allCases {
                let body = JSONValue.grant(.permission(permission), on: .project, scene.project, to: .user(friend))
                let answer = try await server.call(.post, "/v1/acl", body, as: scene.mallory)
                let isHeld = (held + [.createACLs]).contains(permission)
                #expect(answer.status == (isHeld ? 200 : 403), "\(permission)")
            }
            let role = try await server.role("held", held)
            let body = JSONValue.grant(.role(role), on: .project, scene.project, to: .user(friend))
            try await server.succeed(.post, "/v1/acl", body, as: scene.mallory)
        }
    }

    @Test("what others hold already may be written again by whoever keeps a group or a role")
    func nothingGained() async throws {
        try await TestServer.run { server in
            let scene = try await Scene.make(on: server)
            let group = try await server.group("group", users: [server.member], groups: [scene.own])
            let role = try await server.role("role", [.read, .delete], roles: [SystemRole.viewer.id.description])
            try await server.grant(.role(role), on: .project, scene.project, to: .group(group))
            try await scene.allow(.read, .update, on: .group, group)
            try await scene.allow(.read, .update, on: .role, role)
            let (users, groups) = (JSONValue.ids([server.member]), JSONValue.ids([scene.own]))
            let permissions = JSONValue.permissions([.read, .delete])
            let roles = JSONValue.ids([SystemRole.viewer.id.description])
            let calls = [
                Call(.put, "/v1/group", ["name": "group", "member_users": users, "member_groups": groups]),
                Call(.patch, "/v1/group/\(group)", ["add_member_users": users, "add_member_groups": groups]),
                Call(.put, "/v1/role", ["name": "role", "member_permissions": permissions, "member_roles": roles]),
                Call(.patch, "/v1/role/\(role)", ["add_member_permissions": permissions, "add_member_roles": roles]),
            ]
            for call in calls { try await server.succeed(call.method, call.path, call.body, as: scene.mallory) }
        }
    }

    // MARK: Tokens

    @Test("tokens of service accounts take an owner, whatever else somebody holds")
    func serviceTokens() async throws {
        try await TestServer.run { server in
            let scene = try await Scene.make(on: server)
            let robot = try await server.serviceAccount("robot", groups: ["Owners"])
            try await scene.allow(.create, .read, .update, .delete, on: .orgMember, server.acme)
            try await scene.allow(.updateACLs, on: .organization, server.acme)
            let body: JSONValue = ["name": "test", "service_account_id": .string(robot.id.description)]
            let invitation: JSONValue = [
                "invite_users": ["service_accounts": [["name": "robot", "token_name": "second"]]]
            ]
            let calls = [
                Call(.post, "/v1/service_token", body), Call(.put, "/v1/service_token", body),
                Call(.patch, "/v1/organization/members", invitation),
            ]
            for call in calls {
                let answer = try await server.call(call.method, call.path, call.body, as: scene.mallory)
                #expect(answer.status == 403)
                #expect(
                    answer["Message"] == "Only an owner of the organization can create its service tokens.",
                    "\(answer.text)"
                )
            }
            #expect(try await server.succeed(.get, "/v1/service_token").ids == [robot.keyID.description])
            for call in calls { try await server.succeed(call.method, call.path, call.body) }
        }
    }

    @Test("nobody but an owner acts as an owner")
    func impersonation() async throws {
        try await TestServer.run { server in
            let scene = try await Scene.make(on: server)
            for type in [ObjectType.organization, .orgMember] {
                try await scene.allow(.create, .read, .update, .delete, .updateACLs, on: type, server.acme)
            }
            let answer = try await server.call(
                .get,
                "/v1/project",
                as: scene.mallory,
                headers: ["x-bt-impersonate-user": server.owner.email]
            )
            #expect(answer.status == 403)
        }
    }

    @Test("a key made before its owner had less can do no more than they can now")
    func keyOutlivesNothing() async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann", groups: ["Engineers"])
            let robot = try await server.serviceAccount("robot", groups: ["Engineers"])
            let project = try await server.project("p")
            let session = try server.session(of: ann)
            for credential in [ann, session, robot] {
                for _ in 1...2 { #expect(try await server.reach(project, as: credential) == [200, 200]) }
            }
            let engineers = try await server.builtIn(.engineers)
            try await server.succeed(
                .patch,
                "/v1/group/\(engineers)",
                ["remove_member_users": .ids([ann, robot])]
            )
            for credential in [ann, session, robot] {
                #expect(try await server.reach(project, as: credential) == [403, 403])
            }
        }
    }

    // MARK: Cycles

    @Test("a cycle of groups or of roles is refused however long it is", arguments: ["group", "role"], [1, 2, 3, 12])
    func cycles(noun: String, length: Int) async throws {
        try await TestServer.run { server in
            var chain: [String] = []
            for number in 0..<length {
                let members = JSONValue.ids(Array(chain.suffix(1)))
                chain.append(
                    try await server.make(noun, ["name": .string("\(noun) \(number)"), "member_\(noun)s": members])
                )
            }
            let (innermost, outermost) = (chain[0], chain[length - 1])
            let before = try await server.succeed(.get, "/v1/\(noun)").text
            let added = try await server.call(
                .patch,
                "/v1/\(noun)/\(innermost)",
                .object(["add_member_\(noun)s": .ids([outermost])])
            )
            #expect(added.status == 400)
            #expect(added.issuePaths == ["add_member_\(noun)s"])
            let replaced = try await server.call(
                .put,
                "/v1/\(noun)",
                .object(["name": .string("\(noun) 0"), "member_\(noun)s": .ids([outermost])])
            )
            #expect(replaced.status == 400)
            #expect(replaced.issuePaths == ["member_\(noun)s"])
            #expect(try await server.succeed(.get, "/v1/\(noun)").text == before)
        }
    }

    /// All of Acme's groups, roles, grants, people and tokens.
    private static func state(of scene: Scene) async throws -> [String] {
        var texts: [String] = []
        for path in ["/v1/group", "/v1/role", "/v1/acl/list_org", "/v1/user", "/v1/service_token"] {
            texts.append(try await scene.server.succeed(.get, path).text)
        }
        return texts
    }
}
