import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

@Suite("An organization keeps an owner")
struct LastOwnerTests {
    /// A way to lose the last owner.
    struct Loss: Sendable, CustomTestStringConvertible {
        let testDescription: String

        /// Brings about what the call needs, and returns the call.
        let prepare: @Sendable (TestServer) async throws -> (HTTPRequest.Method, path: String, body: JSONValue?)

        init(
            _ description: String,
            _ prepare:
                @escaping @Sendable (TestServer) async throws -> (HTTPRequest.Method, path: String, body: JSONValue?)
        ) {
            testDescription = description
            self.prepare = prepare
        }
    }

    private static let members = "/v1/organization/members"

    private static let losses = [
        Loss("the owner is removed by id") { server in
            (.patch, members, ["remove_users": ["ids": .ids([server.owner])]])
        },
        Loss("the owner is removed by address") { server in
            (.patch, members, ["remove_users": ["emails": [.string(server.owner.email)]]])
        },
        Loss("everybody is removed") { server in
            (.patch, members, ["remove_users": ["ids": .ids([server.member, server.owner])]])
        },
        Loss("the owner is removed, and somebody else invited, but not as an owner") { server in
            (
                .patch, members,
                [
                    "invite_users": ["emails": ["new@acme.test"], "group_names": ["Engineers"]],
                    "remove_users": ["ids": .ids([server.owner])],
                ]
            )
        },
        Loss("the owner leaves Owners by PATCH") { server in
            let owners = try await server.builtIn(.owners)
            return (.patch, "/v1/group/\(owners)", ["remove_member_users": .ids([server.owner])])
        },
        Loss("Owners is replaced by nobody") { _ in
            (.put, "/v1/group", ["name": "Owners"])
        },
        Loss("Owners is replaced by an empty group") { server in
            let empty = try await server.group("empty")
            return (.put, "/v1/group", ["name": "Owners", "member_groups": .ids([empty])])
        },
        Loss("a service account alone would be left") { server in
            let robot = try await server.serviceAccount("robot", groups: ["Owners"])
            return (.put, "/v1/group", ["name": "Owners", "member_users": .ids([robot])])
        },
        Loss("the group that holds the owner is taken out of Owners") { server in
            let (owners, nested) = try await nestOwner(in: server)
            return (.patch, "/v1/group/\(owners)", ["remove_member_groups": .ids([nested.outer])])
        },
        Loss("the owner leaves the group that is in Owners") { server in
            let (_, nested) = try await nestOwner(in: server)
            return (.patch, "/v1/group/\(nested.inner)", ["remove_member_users": .ids([server.owner])])
        },
        Loss("the group that holds the owner is deleted") { server in
            let (_, nested) = try await nestOwner(in: server)
            return (.delete, "/v1/group/\(nested.inner)", nil)
        },
        Loss("a group between the owner and Owners is deleted") { server in
            let (_, nested) = try await nestOwner(in: server)
            return (.delete, "/v1/group/\(nested.outer)", nil)
        },
        Loss("the group that holds the owner is replaced") { server in
            _ = try await nestOwner(in: server)
            return (.put, "/v1/group", ["name": "inner"])
        },
        Loss("Owners is deleted") { server in
            (.delete, "/v1/group/\(try await server.builtIn(.owners))", nil)
        },
        Loss("Owners loses its grant, by id") { server in
            let grants = try await server.succeed(.get, "/v1/acl?object_type=organization&object_id=\(server.acme)")
            let owners = try await server.builtIn(.owners)
            let grant = try #require(grants.objects.first { $0["group_id"]?.string == owners }?["id"]?.string)
            return (.delete, "/v1/acl/\(grant)", nil)
        },
        Loss("Owners loses its grant, by content") { server in
            (.delete, "/v1/acl", try await ownersGrant(in: server))
        },
        Loss("Owners loses its grant, in a batch") { server in
            (.post, "/v1/acl/batch_update", ["remove_acls": [try await ownersGrant(in: server)]])
        },
    ]

    @Test("whatever would lose the last one is refused, and changes nothing", arguments: losses)
    func refused(_ loss: Loss) async throws {
        try await TestServer.run { server in
            let (method, path, body) = try await loss.prepare(server)
            let before = try await Self.state(of: server)
            let answer = try await server.call(method, path, body)
            #expect(answer.status == 400, "\(answer.text)")
            #expect(answer["Message"]?.string?.isEmpty == false)
            #expect(try await Self.state(of: server) == before)
            try await server.succeed(.patch, "/v1/organization/\(server.acme)", ["image_rendering_mode": "auto"])
        }
    }

    @Test("with another person in Owners the first may go, by any way", arguments: [0, 1, 4])
    func another(way: Int) async throws {
        try await TestServer.run { server in
            let second = try await server.join("second", groups: ["Owners"])
            let (method, path, body) = try await Self.losses[way].prepare(server)
            try await server.succeed(method, path, body)
            let settings: JSONValue = ["image_rendering_mode": "auto"]
            let organization = "/v1/organization/\(server.acme)"
            #expect(try await server.call(.patch, organization, settings).status == (way == 4 ? 403 : 401))
            try await server.succeed(.patch, organization, settings, as: second)
        }
    }

    @Test("in one call the last owner may give way to another")
    func handover() async throws {
        try await TestServer.run { server in
            try await server.succeed(
                .patch,
                Self.members,
                [
                    "invite_users": ["emails": ["new@acme.test"], "group_names": ["Owners"]],
                    "remove_users": ["ids": .ids([server.owner])],
                ]
            )
            let new = try await server.key(of: "new@acme.test", in: server.owner.organizationID)
            #expect(try await server.succeed(.get, "/v1/organization", as: new).ids == [server.acme])
            #expect(try await server.call(.get, "/v1/organization").status == 401)
        }
    }

    /// Puts the owner into Owners through two groups, and no other way.
    private static func nestOwner(
        in server: TestServer
    ) async throws -> (owners: String, nested: (inner: String, outer: String)) {
        let owners = try await server.builtIn(.owners)
        let inner = try await server.group("inner", users: [server.owner])
        let outer = try await server.group("outer", groups: [inner])
        try await server.succeed(
            .patch,
            "/v1/group/\(owners)",
            ["add_member_groups": .ids([outer]), "remove_member_users": .ids([server.owner])]
        )
        return (owners, (inner, outer))
    }

    private static func ownersGrant(in server: TestServer) async throws -> JSONValue {
        .grant(.owner, on: .organization, server.acme, to: .group(try await server.builtIn(.owners)))
    }

    private static func state(of server: TestServer) async throws -> [String] {
        var texts: [String] = []
        for path in ["/v1/group", "/v1/acl/list_org", "/v1/user", "/v1/organization/api_keys"] {
            texts.append(try await server.succeed(.get, path).text)
        }
        return texts
    }
}
