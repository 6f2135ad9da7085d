import HTTPTypes
import Testing
import WitanCore
import WitanEngines
import WitanJSON
import WitanResources
import WitanTesting

@Suite("A change that narrows access holds from the next request on")
struct NarrowingTests {
    /// Ann, who may read and change a project through one way alone, which a call then closes.
    struct Scene: Sendable {
        let server: TestServer
        let ann: TestServer.Person
        let project: String
    }

    struct Call: Sendable {
        let method: HTTPRequest.Method
        let path: String
        let body: JSONValue?

        init(_ method: HTTPRequest.Method, _ path: String, _ body: JSONValue? = nil) {
            self.method = method
            self.path = path
            self.body = body
        }
    }

    struct Way: Sendable, CustomTestStringConvertible {
        let testDescription: String

        /// What Ann is answered afterwards, to a reading and to a change.
        let left: [Int]

        /// Opens the way, and returns the call that closes it.
        let open: @Sendable (Scene) async throws -> Call

        init(
            _ description: String,
            leaving left: [Int] = [403, 403],
            _ open: @escaping @Sendable (Scene) async throws -> Call
        ) {
            testDescription = description
            self.left = left
            self.open = open
        }
    }

    private static let update: [Permission] = [.read, .update]

    private static let ways = grants + groups + roles + others

    private static let grants = [
        Way("a grant to a user is deleted by id") { scene in
            let grant = try await scene.server.grant(.engineer, on: .project, scene.project, to: .user(scene.ann))
            return Call(.delete, "/v1/acl/\(grant)")
        },
        Way("one of two grants is deleted by content", leaving: [200, 403]) { scene in
            for permission in update {
                try await scene.server.grant(
                    .permission(permission),
                    on: .project,
                    scene.project,
                    to: .user(scene.ann)
                )
            }
            return Call(
                .delete,
                "/v1/acl",
                .grant(.permission(.update), on: .project, scene.project, to: .user(scene.ann))
            )
        },
        Way("a grant to a group is deleted in a batch") { scene in
            let group = try await scene.server.group("g", users: [scene.ann])
            try await scene.server.grant(.owner, on: .project, scene.project, to: .group(group))
            return Call(
                .post,
                "/v1/acl/batch_update",
                ["remove_acls": [.grant(.owner, on: .project, scene.project, to: .group(group))]]
            )
        },
        Way("a grant on all projects is deleted") { scene in
            let grant = try await scene.server.grant(
                .engineer,
                on: .orgProject,
                scene.server.acme,
                to: .user(scene.ann)
            )
            return Call(.delete, "/v1/acl/\(grant)")
        },
        Way("a grant on the organization is deleted") { scene in
            let grant = try await scene.server.grant(
                .engineer,
                on: .organization,
                scene.server.acme,
                to: .user(scene.ann)
            )
            return Call(.delete, "/v1/acl/\(grant)")
        },
    ]

    private static let groups = [
        Way("the user is taken out of the group by PATCH") { scene in
            let group = try await grantedGroup(users: [scene.ann], scene)
            return Call(.patch, "/v1/group/\(group)", ["remove_member_users": .ids([scene.ann])])
        },
        Way("the user is taken out of the group by PUT") { scene in
            _ = try await grantedGroup(users: [scene.ann], scene)
            return Call(.put, "/v1/group", ["name": "granted"])
        },
        Way("the user is taken out of a built-in group") { scene in
            let group = try await scene.server.builtIn(.engineers)
            try await scene.server.succeed(.patch, "/v1/group/\(group)", ["add_member_users": .ids([scene.ann])])
            return Call(.patch, "/v1/group/\(group)", ["remove_member_users": .ids([scene.ann])])
        },
        Way("the user is taken out of a group that is in the group, two deep") { scene in
            let (inner, _, _) = try await nestedGroups(scene)
            return Call(.patch, "/v1/group/\(inner)", ["remove_member_users": .ids([scene.ann])])
        },
        Way("the inner group is taken out by PATCH") { scene in
            let (inner, middle, _) = try await nestedGroups(scene)
            return Call(.patch, "/v1/group/\(middle)", ["remove_member_groups": .ids([inner])])
        },
        Way("the middle group is taken out by PUT") { scene in
            _ = try await nestedGroups(scene)
            return Call(.put, "/v1/group", ["name": "granted"])
        },
        Way("the inner group is deleted") { scene in
            Call(.delete, "/v1/group/\(try await nestedGroups(scene).inner)")
        },
        Way("the middle group is deleted") { scene in
            Call(.delete, "/v1/group/\(try await nestedGroups(scene).middle)")
        },
        Way("the group with the grant is deleted") { scene in
            Call(.delete, "/v1/group/\(try await nestedGroups(scene).outer)")
        },
    ]

    private static let roles = [
        Way("the role loses a permission by PATCH", leaving: [200, 403]) { scene in
            let role = try await grantedRole(scene, update)
            return Call(.patch, "/v1/role/\(role)", ["remove_member_permissions": .permissions([.update])])
        },
        Way("the role loses a permission by PUT", leaving: [200, 403]) { scene in
            _ = try await grantedRole(scene, update)
            return Call(.put, "/v1/role", ["name": "granted", "member_permissions": .permissions([.read])])
        },
        Way("the role is deleted") { scene in
            Call(.delete, "/v1/role/\(try await grantedRole(scene, update))")
        },
        Way("a role two deep loses a permission", leaving: [200, 403]) { scene in
            let (inner, _) = try await nestedRoles(scene)
            return Call(.patch, "/v1/role/\(inner)", ["remove_member_permissions": .permissions([.update])])
        },
        Way("the innermost role is taken out", leaving: [403, 403]) { scene in
            let (inner, middle) = try await nestedRoles(scene)
            return Call(.patch, "/v1/role/\(middle)", ["remove_member_roles": .ids([inner])])
        },
        Way("the innermost role is deleted") { scene in
            Call(.delete, "/v1/role/\(try await nestedRoles(scene).inner)")
        },
        Way("the role in the middle is deleted") { scene in
            Call(.delete, "/v1/role/\(try await nestedRoles(scene).middle)")
        },
        Way("the role is given on the organization, and loses a permission", leaving: [200, 403]) { scene in
            let role = try await scene.server.role("wide", update)
            try await scene.server.grant(.role(role), on: .organization, scene.server.acme, to: .user(scene.ann))
            return Call(.patch, "/v1/role/\(role)", ["remove_member_permissions": .permissions([.update])])
        },
    ]

    private static let others = [
        Way("the user is removed from the organization", leaving: [401, 401]) { scene in
            try await scene.server.grant(.owner, on: .project, scene.project, to: .user(scene.ann))
            return Call(.patch, "/v1/organization/members", ["remove_users": ["ids": .ids([scene.ann])]])
        },
        Way("the project is deleted") { scene in
            try await scene.server.grant(.owner, on: .project, scene.project, to: .user(scene.ann))
            return Call(.delete, "/v1/project/\(scene.project)")
        },
    ]

    @Test("and what was in the caches counts no more", arguments: ways)
    func narrows(_ way: Way) async throws {
        try await TestServer.run { server in
            let scene = Scene(server: server, ann: try await server.join("ann"), project: try await server.project("p"))
            #expect(try await server.reach(scene.project, as: scene.ann) == [403, 403])
            let call = try await way.open(scene)
            for _ in 1...2 { #expect(try await server.reach(scene.project, as: scene.ann) == [200, 200]) }
            #expect(try await server.succeed(.get, "/v1/project", as: scene.ann).ids == [scene.project])
            try await server.succeed(call.method, call.path, call.body)
            for _ in 1...2 { #expect(try await server.reach(scene.project, as: scene.ann) == way.left) }
            let list = try await server.call(.get, "/v1/project", as: scene.ann)
            #expect(list.ids == (way.left[0] == 200 ? [scene.project] : []))
        }
    }

    @Test("on every node, whichever made the change", arguments: ways)
    func narrowsOnOtherNodes(_ way: Way) async throws {
        try await TestServer.runNodes(2, on: .chosen) { nodes in
            let (server, other) = (nodes[0], nodes[1])
            let scene = Scene(server: server, ann: try await server.join("ann"), project: try await server.project("p"))
            let call = try await way.open(scene)
            for _ in 1...2 {
                for node in nodes { #expect(try await node.reach(scene.project, as: scene.ann) == [200, 200]) }
            }
            let answer = try await server.succeed(call.method, call.path, call.body)
            // A project's grants go with it, and nobody keeps what it was by itself.
            if call.path.hasPrefix("/v1/project") {
                #expect(answer.header("x-revocation-seq") == nil)
            } else {
                let sequence = try #require(answer.header("x-revocation-seq").flatMap(Double.init))
                #expect(try other.sample("witan_cluster_applied_seq") ?? 0 >= sequence)
            }
            for _ in 1...2 {
                for node in nodes { #expect(try await node.reach(scene.project, as: scene.ann) == way.left) }
            }
        }
    }

    @Test("a refused change narrows nothing, and leaves the caches right")
    func refusedChange() async throws {
        try await TestServer.run { server in
            let scene = Scene(server: server, ann: try await server.join("ann"), project: try await server.project("p"))
            let grant = JSONValue.grant(.owner, on: .project, scene.project, to: .user(scene.ann))
            try await server.succeed(.post, "/v1/acl", grant)
            let unknown = JSONValue.grant(.owner, on: .project, scene.ann.id.description, to: .user(scene.ann))
            let batch = try await server.call(
                .post,
                "/v1/acl/batch_update",
                ["remove_acls": [grant, unknown]]
            )
            #expect(batch.status == 403)
            #expect(try await server.reach(scene.project, as: scene.ann) == [200, 200])
        }
    }

    private static func grantedGroup(
        users: [TestServer.Person] = [],
        groups: [String] = [],
        _ scene: Scene
    ) async throws -> String {
        let group = try await scene.server.group("granted", users: users, groups: groups)
        try await scene.server.grant(.engineer, on: .project, scene.project, to: .group(group))
        return group
    }

    private static func nestedGroups(_ scene: Scene) async throws -> (inner: String, middle: String, outer: String) {
        let inner = try await scene.server.group("inner", users: [scene.ann])
        let middle = try await scene.server.group("middle", groups: [inner])
        return (inner, middle, try await grantedGroup(groups: [middle], scene))
    }

    private static func grantedRole(
        _ scene: Scene,
        _ permissions: [Permission] = [],
        roles: [String] = []
    ) async throws -> String {
        let role = try await scene.server.role("granted", permissions, roles: roles)
        let group = try await scene.server.group("g", users: [scene.ann])
        try await scene.server.grant(.role(role), on: .project, scene.project, to: .group(group))
        return role
    }

    private static func nestedRoles(_ scene: Scene) async throws -> (inner: String, middle: String) {
        let inner = try await scene.server.role("inner", update)
        let middle = try await scene.server.role("middle", roles: [inner])
        _ = try await grantedRole(scene, roles: [middle])
        return (inner, middle)
    }
}
