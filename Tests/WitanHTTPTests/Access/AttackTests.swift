import HTTPTypes
import Synchronization
import Testing
import WitanAccess
import WitanCore
import WitanEngines
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

/// Attacks that once worked.
@Suite("Attacks that once worked work no more")
struct AttackTests {
    // MARK: Requests that were let in before

    /// What somebody asks for who loses what it takes while it waits for its turn.
    struct Race: Sendable, CustomTestStringConvertible {
        enum Credential: Sendable {
            case key
            case session
        }

        struct Call: Sendable {
            let method: HTTPRequest.Method
            let path: String
            let body: JSONValue
            var headers: KeyValuePairs<String, String> = [:]
        }

        let testDescription: String

        /// The status of the call that comes too late, for each credential that it is made with.
        let statuses: [Credential: Int]

        /// Returns Mallory's call, and what an owner does before its turn comes.
        let prepare:
            @Sendable (TestServer, _ mallory: TestServer.Person) async throws -> (
                call: Call, loss: (HTTPRequest.Method, String, JSONValue?)
            )

        init(
            _ description: String,
            _ statuses: [Credential: Int] = [.key: 403, .session: 403],
            _ prepare:
                @escaping @Sendable (TestServer, TestServer.Person) async throws -> (
                    call: Call, loss: (HTTPRequest.Method, String, JSONValue?)
                )
        ) {
            testDescription = description
            self.statuses = statuses
            self.prepare = prepare
        }
    }

    private static let members = "/v1/organization/members"

    /// With members go their keys.
    private static let removal: [Race.Credential: Int] = [.key: 401, .session: 403]

    private static let races = [
        Race("an owner who is removed invites themselves back", removal) { _, mallory in
            (
                Race.Call(
                    method: .patch,
                    path: members,
                    body: ["invite_users": ["emails": [.string(mallory.email)], "group_names": ["Owners"]]]
                ),
                (.patch, members, ["remove_users": ["ids": .ids([mallory])]])
            )
        },
        Race("an owner who is one no more gives themselves the role again") { server, mallory in
            (
                Race.Call(
                    method: .post,
                    path: "/v1/acl",
                    body: .grant(.owner, on: .organization, server.acme, to: .user(mallory))
                ),
                (.patch, "/v1/group/\(try await server.builtIn(.owners))", ["remove_member_users": .ids([mallory])])
            )
        },
        Race("somebody who is removed makes a key, which a later invitation would bring back", removal) { _, mallory in
            (
                Race.Call(method: .post, path: "/v1/api_key", body: ["name": "late"]),
                (.patch, members, ["remove_users": ["ids": .ids([mallory])]])
            )
        },
        Race("somebody who is removed makes a group, which they would own", removal) { _, mallory in
            (
                Race.Call(method: .post, path: "/v1/group", body: ["name": "late"]),
                (.patch, members, ["remove_users": ["ids": .ids([mallory])]])
            )
        },
        Race("a key that is deleted makes another", [.key: 401]) { _, mallory in
            (
                Race.Call(method: .post, path: "/v1/api_key", body: ["name": "late"]),
                (.delete, "/v1/api_key/\(mallory.keyID)", nil)
            )
        },
        Race("an owner who is one no more acts as another owner") { server, mallory in
            (
                Race.Call(
                    method: .post,
                    path: "/v1/group",
                    body: ["name": "late"],
                    headers: ["x-bt-impersonate-user": server.owner.email]
                ),
                (.patch, "/v1/group/\(try await server.builtIn(.owners))", ["remove_member_users": .ids([mallory])])
            )
        },
    ]

    @Test("a change is judged by what holds when its turn comes", arguments: races)
    func lateChange(race: Race) async throws {
        for (credential, status) in race.statuses {
            try await Engine.chosen.withDatabase { base in
                let database = LateDatabase(base)
                try await TestServer.run(on: database) { server in
                    try await Self.lose(race, with: credential, expecting: status, on: server, database)
                }
            }
        }
    }

    private static func lose(
        _ race: Race,
        with credential: Race.Credential,
        expecting status: Int,
        on server: TestServer,
        _ database: LateDatabase
    ) async throws {
        let member = try await server.join("mallory", groups: ["Owners"])
        let mallory = credential == .key ? member : try server.session(of: member)
        // What the caches know of her is what holds before the loss.
        try await server.succeed(.get, "/v1/group", as: mallory)
        let (call, (method, path, body)) = try await race.prepare(server, mallory)
        database.beforeNextWrite { try await server.succeed(method, path, body) }
        let late = try await server.call(call.method, call.path, call.body, as: mallory, headers: call.headers)
        #expect(late.status == status, "\(credential): \(late.text)")
        // She comes back as a viewer, and has nothing of what she tried to get.
        try await server.succeed(
            .patch,
            members,
            ["invite_users": ["emails": [.string(mallory.email)], "group_names": ["Viewers"]]]
        )
        for path in ["/v1/group?group_name=late", "/v1/organization/api_keys?api_key_name=late"] {
            #expect(try await server.succeed(.get, path).ids.isEmpty)
        }
        let grants = try await server.succeed(.get, "/v1/acl/list_org")
        #expect(!grants.text.contains(mallory.id.description))
    }

    // MARK: What is not to be seen

    @Test("PUT says nothing of a group or a token that the caller may not see")
    func hiddenNames() async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann")
            let robot = try await server.serviceAccount("robot")
            _ = try await server.group("secret")
            let account = JSONValue.string(robot.id.description)
            for (path, body) in [
                ("/v1/group", ["name": "@"]), ("/v1/service_token", ["name": "@", "service_account_id": account]),
            ] as [(String, JSONObject)] {
                var messages: Set<String?> = []
                for name in ["secret", "test", "none of that name"] {
                    var body = body
                    body["name"] = .string(name)
                    let answer = try await server.call(.put, path, .object(body), as: ann)
                    #expect(answer.status == 403)
                    messages.insert(answer["Message"]?.string)
                }
                #expect(messages.count == 1, "\(messages)")
            }
            // Whoever may make groups learns that the name is taken, and no more.
            try await server.grant(
                .permission(.create, for: .group),
                on: .organization,
                server.acme,
                to: .user(ann)
            )
            let taken = try await server.call(.put, "/v1/group", ["name": "secret"], as: ann)
            #expect(taken.status == 409)
            #expect(
                taken["Message"]?.string == "There is a group of that name, which you may not see; choose another name."
            )
        }
    }

    // MARK: The audit log

    @Test("a refusal of somebody in two organizations is in the log of the one that it was about")
    func refusalsOfTwo() async throws {
        try await TestServer.run { server in
            let acme = server.acme
            _ = try await server.accounts.add(
                .init(email: server.stranger.email),
                to: "Acme",
                groups: ["Viewers"]
            )
            let stranger = try server.session(of: server.stranger)
            let grant = JSONValue.grant(.owner, on: .organization, acme, to: .user(stranger))
            let calls: [(HTTPRequest.Method, String, JSONValue?, String)] = [
                (.post, "/v1/group", ["name": "x", "org_name": "Acme"], "group.created"),
                (.put, "/v1/role", ["name": "x", "org_id": .string(acme)], "role.updated"),
                (.post, "/v1/acl", grant, "acl.created"),
                (.delete, "/v1/acl", grant, "acl.deleted"),
                (.post, "/v1/acl/batch_update", ["remove_acls": [grant]], "acl.updated"),
                (.get, "/v1/acl?object_type=organization&object_id=\(acme)", nil, "acl.read"),
                (.get, "/v1/organization/api_keys?org_name=Acme", nil, "api_key.read"),
                (.get, "/v1/organization/audit_logs?org_id=\(acme)", nil, "audit_log.read"),
                (.patch, "/v1/organization/\(acme)", ["name": "x"], "organization.updated"),
            ]
            for (method, path, body, event) in calls {
                let answer = try await server.call(method, path, body, as: stranger)
                #expect(answer.status == 403, "\(method) \(path): \(answer.text)")
                let rows = try await server.succeed(
                    .get,
                    "/v1/organization/audit_logs?outcome=denied&limit=1&event_type=\(event)"
                )
                #expect(rows.text.contains(stranger.id.description), "\(method) \(path)")
            }
        }
    }

    @Test("long names cannot make the audit headers longer than clients and proxies read")
    func longNames() async throws {
        try await TestServer.run { server in
            for number in 0..<50 {
                // Letters that do not repeat, so that they are not packed away.
                let letters = (0..<800).compactMap { Unicode.Scalar(0x4E00 + (number * 997 + $0 * 31) % 20_000) }
                _ = try await server.project(String(String.UnicodeScalarView(letters)))
            }
            let answer = try await server.call(.get, "/v1/project", headers: ["x-bt-enable-audit": "true"])
            let header = try #require(answer.header("x-bt-audit-resources"))
            #expect(header.utf8.count < 6_000)
        }
    }

    // MARK: Addresses

    @Test(
        "an address that shows less than it has is none",
        arguments: ["a\u{200B}@b.test", "\u{202E}a@b.test", "a@b.test\u{7F}", "a@\u{301}b@c.test", "a@b.test\u{85}"]
    )
    func invisibleAddress(address: String) async throws {
        try await TestServer.run { server async throws in
            let body: JSONValue = ["invite_users": ["emails": [.string(address)]]]
            #expect(try await server.call(.patch, Self.members, body).status == 400)
        }
    }

    @Test("a group that an invitation names a hundred times costs as much as one that it names once")
    func repeatedGroup() async throws {
        try await TestServer.run { server in
            let viewers = try await server.builtIn(.viewers)
            let statements = try await server.database.statements {
                try await server.succeed(
                    .patch,
                    Self.members,
                    [
                        "invite_users": [
                            "emails": ["a@b.test", "c@d.test"],
                            "group_ids": .ids(Array(repeating: viewers, count: 100)),
                            "group_names": ["Viewers", "Viewers"],
                        ]
                    ]
                )
            }
            #expect(statements.count { $0.contains("INSERT INTO group_users") } == 2)
        }
    }

    @Test("a session from before somebody was removed is worth nothing when they are invited again")
    func sessionFromBefore() async throws {
        try await TestServer.run { server in
            let old = try server.session(of: server.member)
            #expect(try await server.call(.get, "/v1/project", as: old).status == 200)
            try await server.succeed(.patch, Self.members, ["remove_users": ["ids": .ids([server.member])]])
            #expect(try await server.call(.get, "/v1/project", as: old).status == 401)
            server.clock.advance(by: .seconds(1))
            try await server.succeed(
                .patch,
                Self.members,
                ["invite_users": ["emails": [.string(server.member.email)], "group_names": ["Owners"]]]
            )
            #expect(try await server.call(.get, "/v1/project", as: old).status == 401)
            let new = try server.session(of: server.member)
            #expect(try await server.call(.get, "/v1/project", as: new).status == 200)
        }
    }

    @Test("an organization whose name only looks the same is another one")
    func lookalike() async throws {
        try await TestServer.run { server in
            let (cafe, lookalike) = ("Caf\u{E9}", "Cafe\u{301}")
            try await server.succeed(.patch, "/v1/organization/\(server.acme)", ["name": .string(cafe)])
            try await server.succeed(
                .patch,
                "/v1/organization/\(server.stranger.organizationID)",
                ["name": .string(lookalike)],
                as: server.stranger
            )
            _ = try await server.accounts.add(.init(email: server.member.email), to: lookalike, groups: [])
            let session = try server.session(of: server.member)
            for (name, organization) in [(cafe, server.acme), (lookalike, server.stranger.organizationID.description)] {
                let made = try await server.succeed(
                    .post,
                    "/v1/api_key",
                    ["name": "k", "org_name": .string(name)],
                    as: session
                )
                #expect(made["org_id"]?.string == organization)
                let list = try await server.succeed(
                    .get,
                    "/v1/organization?org_name=\(name.percentEncoded)",
                    as: session
                )
                #expect(list.ids.allSatisfy { $0 == organization })
            }
        }
    }

    @Test("a change of an organization's settings makes nobody's credential be read again, one of its name does")
    func credentialsInMemory() async throws {
        try await TestServer.run { server in
            let path = "/v1/organization/\(server.acme)"
            try await server.succeed(.post, "/api/self/me", as: server.stranger)
            try await server.succeed(.patch, path, ["image_rendering_mode": "blocked"])
            #expect(server.cache.statistics.count == 2)
            try await server.succeed(.patch, path, ["name": "Apex"])
            #expect(server.cache.statistics.count == 0)
        }
    }

    @Test("a key in an object's name or in a body does not come into the audit log")
    func keysInNames() async throws {
        try await TestServer.run { server in
            let key = server.member.key
            try await server.succeed(
                .post,
                "/v1/project",
                ["name": .string("holds \(key)"), "description": .string(key)]
            )
            try await server.succeed(.post, "/v1/api_key", ["name": .string(key)])
            let rows = try await server.auditRows().map { "\($0)" }.joined()
            #expect(rows.contains("holds sk-"))
            #expect(!rows.contains(key))
        }
    }

    @Test("whoever is removed from an organization leaves its groups, and not those of another")
    func groupsOfOthers() async throws {
        try await TestServer.run { server in
            _ = try await server.accounts.add(.init(email: server.member.email), to: "Globex", groups: ["Owners"])
            try await server.succeed(.patch, Self.members, ["remove_users": ["ids": .ids([server.member])]])
            let groups = try await server.succeed(.get, "/v1/group")
            #expect(!groups.text.contains(server.member.id.description))
            let session = try server.session(of: server.member)
            try await server.succeed(.post, "/v1/group", ["name": "mine"], as: session)
        }
    }
}

/// A database in which something can happen before the next transaction that writes begins.
private final class LateDatabase: SQLDatabase {
    private let base: any SQLDatabase
    private let first = Mutex<(@Sendable () async throws -> Void)?>(nil)

    init(_ base: any SQLDatabase) {
        self.base = base
    }

    func beforeNextWrite(_ body: @escaping @Sendable () async throws -> Void) {
        first.withLock { $0 = body }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await base.read(body)
    }

    func write<Value: Sendable>(
        _ concurrency: WriteConcurrency,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        let first = first.withLock { first in
            defer { first = nil }
            return first
        }
        try await first?()
        return try await base.write(concurrency, body)
    }
}
