import HTTPTypes
import Synchronization
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

@Suite("PATCH /v1/organization/members adds and removes people and service accounts")
struct MembersTests {
    private static let path = "/v1/organization/members"

    // MARK: Invitations

    @Test("an invited address becomes a user in every group that the body names, in all four ways at once")
    func groups() async throws {
        try await TestServer.run { server in
            let (one, two) = (try await server.group("one"), try await server.group("two"))
            let engineers = try await server.builtIn(.engineers)
            let answer = try await server.succeed(
                .patch,
                Self.path,
                [
                    "org_name": "Acme",
                    "invite_users": [
                        "emails": ["New@Acme.Test", "new@acme.test"], "group_ids": .ids([one]),
                        "group_id": .string(two), "group_names": ["Viewers"], "group_name": "Engineers",
                    ],
                ]
            )
            #expect(
                answer.text
                    == #"{"status":"success","org_id":"\#(server.acme)","send_email_error":null,"added_users":null}"#
            )
            let new = try #require(try await server.succeed(.get, "/v1/user?email=new@acme.test").ids.first)
            for group in [one, two, engineers, try await server.builtIn(.viewers)] {
                let members = try await server.succeed(.get, "/v1/group/\(group)")["member_users"]?.array ?? []
                #expect(members.contains(.string(new)), "\(group)")
            }
            let owners = try await server.succeed(.get, "/v1/group/\(server.builtIn(.owners))")
            #expect(owners["member_users"] == .ids([server.owner]))
        }
    }

    /// What names a group in an invitation, from its id and its name.
    struct Naming: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let member: @Sendable (_ id: String, _ name: String) -> JSONValue

        static let all = [
            Naming(testDescription: "group_ids") { id, _ in ["group_ids": [.string(id)]] },
            Naming(testDescription: "group_id") { id, _ in ["group_id": .string(id)] },
            Naming(testDescription: "group_names") { _, name in ["group_names": [.string(name)]] },
            Naming(testDescription: "group_name") { _, name in ["group_name": .string(name)] },
        ]
    }

    @Test(
        "each way of naming a group works alone, and an unknown group is refused and adds nobody",
        arguments: Naming.all
    )
    func naming(_ naming: Naming) async throws {
        try await TestServer.run { server in
            let group = try await server.group("one")
            func invite(_ id: String, _ name: String) async throws -> TestServer.Answer {
                var invitation = naming.member(id, name).object ?? [:]
                invitation["emails"] = ["new@acme.test"]
                return try await server.call(.patch, Self.path, ["invite_users": .object(invitation)])
            }
            let unknown = try await invite(server.acme, "nothing")
            #expect(unknown.status == 403)
            #expect(try await server.succeed(.get, "/v1/user?email=new@acme.test").ids == [])
            #expect(try await invite(group, "one").status == 200)
            let new = try #require(try await server.succeed(.get, "/v1/user?email=new@acme.test").ids.first)
            #expect(try await server.succeed(.get, "/v1/group/\(group)")["member_users"] == [.string(new)])
        }
    }

    @Test("whoever is a member already stays as they are, and the same request again changes nothing")
    func idempotence() async throws {
        try await TestServer.run { server in
            let body: JSONValue = [
                "invite_users": [
                    "ids": .ids([server.member]), "emails": ["new@acme.test", .string(server.owner.email)],
                    "service_accounts": [["name": "plain"], ["name": "with token", "token_name": "first"]],
                    "group_names": ["Viewers"],
                ],
                "remove_users": ["ids": .ids([server.stranger]), "emails": ["nobody@acme.test"]],
            ]
            let first = try await server.succeed(.patch, Self.path, body)
            #expect(first["added_users"]?.array?.count == 2)
            let lists = [
                "/v1/group", "/v1/user", "/v1/service_token", "/v1/organization/api_keys",
                "/v1/organization/audit_logs",
            ]
            var before: [String] = []
            for list in lists { before.append(try await server.succeed(.get, list).text) }
            let second = try await server.succeed(.patch, Self.path, body)
            #expect(second["added_users"] == .null)
            #expect(second["status"] == "success")
            for (list, text) in zip(lists, before) { #expect(try await server.succeed(.get, list).text == text) }
            let engineers = try await server.succeed(.get, "/v1/group?group_name=Engineers")
            #expect(engineers.objects.first?["member_users"] == .ids([server.member]))
            let viewers = try await server.succeed(.get, "/v1/group?group_name=Viewers")
            #expect(viewers.objects.first?["member_users"]?.array?.count == 3)
        }
    }

    @Test("an id invites whoever the caller meets in another organization, and nobody else")
    func invitationByID() async throws {
        try await TestServer.run { server in
            let body: JSONValue = ["org_name": "Acme", "invite_users": ["ids": .ids([server.stranger])]]
            #expect(try await server.call(.patch, Self.path, body).status == 403)
            _ = try await server.accounts.add(.init(email: server.owner.email), to: "Globex", groups: ["Viewers"])
            // The key is Acme's alone, the session both organizations'.
            #expect(try await server.call(.patch, Self.path, body).status == 403)
            let session = try server.session(of: server.owner)
            try await server.succeed(.patch, Self.path, body, as: session)
            let users = try await server.succeed(.get, "/v1/user").ids
            #expect(users.contains(server.stranger.id.description))
            #expect(try await server.succeed(.get, "/v1/project", as: server.stranger).ids == [])
        }
    }

    @Test(
        "what is no person's address is refused, with its place",
        arguments: ["", "x", "a@", "@b", "a b@c.test", "robot@service-accounts.invalid", "a@b@c"]
    )
    func addresses(email: String) async throws {
        try await TestServer.run { server in
            let body: JSONValue = ["invite_users": ["emails": ["good@acme.test", .string(email)]]]
            let answer = try await server.call(.patch, Self.path, body)
            #expect(answer.status == 400)
            #expect(answer["Issues"]?.array?.first?.object?["path"] == ["invite_users", "emails", "1"])
            #expect(try await server.succeed(.get, "/v1/user?email=good@acme.test").ids == [])
        }
    }

    @Test("somebody in several organizations names one, by id, by name or by header")
    func organizations() async throws {
        try await TestServer.run { server in
            _ = try await server.accounts.add(.init(email: server.owner.email), to: "Globex", groups: ["Owners"])
            let session = try server.session(of: server.owner)
            let none = try await server.call(.patch, Self.path, ["remove_users": ["ids": []]], as: session)
            #expect(none.status == 400)
            #expect(none["Message"]?.string?.contains("Acme, Globex") == true)
            let globex = server.stranger.organizationID.description
            let byID = try await server.succeed(
                .patch,
                Self.path,
                ["org_id": .string(globex), "org_name": "Acme"],
                as: session
            )
            #expect(byID["org_id"]?.string == globex)
            let byName = try await server.succeed(.patch, Self.path, ["org_name": "Globex"], as: session)
            #expect(byName["org_id"]?.string == globex)
            let byHeader = try await server.call(
                .patch,
                Self.path,
                [:],
                as: session,
                headers: ["x-bt-org-name": "Globex"]
            )
            #expect(byHeader["org_id"]?.string == globex)
        }
    }

    // MARK: Removal

    @Test("a removed member's keys, sessions and grants die at once, and no later invitation brings them back")
    func removal() async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann", groups: ["Engineers"])
            let second = try await server.makeKey("second", as: ann)
            let session = try server.session(of: ann)
            let project = try await server.project("ann's", as: ann)
            for credential in [ann, second, session] {
                for _ in 1...2 { #expect(try await server.reach(project, as: credential) == [200, 200]) }
            }
            try await server.succeed(.patch, Self.path, ["remove_users": ["emails": [.string(ann.email)]]])
            for credential in [ann, second, session] {
                #expect(try await server.reach(project, as: credential) == [401, 401])
            }
            #expect(try await server.succeed(.get, "/v1/user?email=\(ann.email)").ids == [])
            let keys = try await server.succeed(.get, "/v1/organization/api_keys").ids
            #expect(Set(keys).isDisjoint(with: [ann.keyID.description, second.keyID.description]))
            let grants = try await server.succeed(.get, "/v1/acl?object_type=project&object_id=\(project)")
            #expect(grants.ids == [])

            try await server.succeed(.patch, Self.path, ["invite_users": ["emails": [.string(ann.email)]]])
            for credential in [ann, second] { #expect(try await server.reach(project, as: credential) == [401, 401]) }
            #expect(try await server.reach(project, as: session) == [403, 403])
        }
    }

    @Test("whatever a member makes while they are removed goes with them, or is not made")
    func makingWhileRemoved() async throws {
        try await TestServer.run { server in
            for round in 1...10 {
                let ann = try await server.join("ann\(round)", groups: ["Engineers"])
                try await withThrowingTaskGroup { group in
                    for number in 1...6 {
                        group.addTask {
                            let (path, name) = number % 2 == 0 ? ("/v1/api_key", "key") : ("/v1/project", "project")
                            let body: JSONValue = ["name": .string("\(name) \(round) \(number)")]
                            let answer = try await server.call(.post, path, body, as: ann)
                            #expect([200, 401].contains(answer.status), "\(answer.text)")
                        }
                    }
                    group.addTask {
                        try await server.succeed(.patch, Self.path, ["remove_users": ["ids": .ids([ann])]])
                    }
                    try await group.waitForAll()
                }
                let left = try await server.database.read { connection in
                    try ["api_keys", "acls", "members"]
                        .map {
                            try connection.row("SELECT COUNT(*) FROM \(identifier: $0) WHERE user_id = \(ann.id)")?[0]
                        }
                }
                #expect(left == [0, 0, 0], "round \(round)")
            }
        }
    }

    @Test("who is removed from one organization stays in the other, with their keys there")
    func removalFromOne() async throws {
        try await TestServer.run { server in
            _ = try await server.accounts.add(.init(email: server.member.email), to: "Globex", groups: ["Viewers"])
            let other = try await server.key(of: server.member.email, in: server.stranger.organizationID)
            let session = try server.session(of: server.member)
            try await server.succeed(.get, "/v1/organization", as: session)
            try await server.succeed(.patch, Self.path, ["remove_users": ["ids": .ids([server.member])]])
            #expect(try await server.call(.get, "/v1/organization", as: server.member).status == 401)
            for credential in [other, session] {
                let organizations = try await server.succeed(.get, "/v1/organization", as: credential)
                #expect(organizations.ids == [server.stranger.organizationID.description])
            }
        }
    }

    // MARK: Service accounts

    @Test("a service account gets an address that takes no mail, and a token when one is named")
    func serviceAccounts() async throws {
        try await TestServer.run { server in
            let answer = try await server.succeed(
                .patch,
                Self.path,
                [
                    "invite_users": [
                        "service_accounts": [["name": "Plain bot"], ["name": "CI ✓", "token_name": "first"]],
                        "group_name": "Engineers", "send_invite_emails": true,
                    ]
                ]
            )
            #expect(answer["send_email_error"] == .null)
            let added = answer["added_users"]?.array?.compactMap(\.object) ?? []
            try #require(added.count == 2)
            for account in added {
                #expect(account.members.map(\.name) == ["id", "email", "api_key", "token_name"])
                #expect(account["email"]?.string?.hasSuffix("@service-accounts.invalid") == true)
            }
            #expect(added[0]["api_key"] == .null)
            #expect(added[0]["token_name"] == .null)
            #expect(added[1]["token_name"] == "first")
            let token = try #require(added[1]["api_key"]?.string)
            #expect(token.hasPrefix("bt-st-"))
            let me = try await server.send(.post, "/api/self/me", headers: ["authorization": "Bearer \(token)"])
            #expect(me["id"] == added[1]["id"])
            #expect(me["given_name"] == "CI ✓")
            let project = try await server.project("p")
            let read = try await server.send(
                .get,
                "/v1/project/\(project)",
                headers: ["authorization": "Bearer \(token)"]
            )
            #expect(read.status == 200)
            let users = try await server.succeed(.get, "/v1/user?given_name=Plain%20bot")
            #expect(users.ids == [added[0]["id"]?.string])
        }
    }

    @Test("a removed service account's token dies, and an account of the same name is another")
    func removedServiceAccount() async throws {
        try await TestServer.run { server in
            let robot = try await server.serviceAccount("robot", groups: ["Viewers"])
            try await server.succeed(.get, "/v1/project", as: robot)
            try await server.succeed(.patch, Self.path, ["remove_users": ["ids": .ids([robot])]])
            #expect(try await server.call(.get, "/v1/project", as: robot).status == 401)
            #expect(try await server.succeed(.get, "/v1/service_token").ids == [])
            let again = try await server.serviceAccount("robot")
            #expect(again.id != robot.id)
            #expect(try await server.call(.get, "/v1/project", as: robot).status == 401)
        }
    }

    @Test("a service account is never invited into another organization")
    func serviceAccountStays() async throws {
        try await TestServer.run { server in
            _ = try await server.accounts.add(.init(email: server.owner.email), to: "Globex", groups: ["Owners"])
            let robot = try await server.serviceAccount("robot")
            let session = try server.session(of: server.owner)
            for invitation in [["ids": .ids([robot])], ["emails": [.string(robot.email)]]] as [JSONValue] {
                let body: JSONValue = ["org_name": "Globex", "invite_users": invitation]
                let answer = try await server.call(.patch, Self.path, body, as: session)
                #expect([400, 403].contains(answer.status), "\(answer.text)")
            }
            #expect(try await server.succeed(.get, "/v1/user", as: server.stranger).ids.count == 2)
        }
    }

    // MARK: All or nothing

    /// A body that fails late, after what came before it was done.
    struct LateFailure: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let status: Int
        let body: @Sendable (TestServer) -> JSONValue
    }

    private static let lateFailures = [
        LateFailure(testDescription: "the last owner is removed", status: 400) { server in
            [
                "invite_users": ["emails": ["new@acme.test"], "service_accounts": [["name": "robot"]]],
                "remove_users": ["ids": .ids([server.member, server.owner])],
            ]
        },
        LateFailure(testDescription: "the second address is none", status: 400) { server in
            [
                "invite_users": ["emails": ["new@acme.test", "none"], "group_names": ["Owners"]],
                "remove_users": ["ids": .ids([server.member])],
            ]
        },
        LateFailure(testDescription: "an id is of nobody", status: 403) { server in
            ["invite_users": ["emails": ["new@acme.test"], "ids": .ids([server.stranger])]]
        },
    ]

    @Test("a request that fails late leaves nothing behind but its refusal", arguments: lateFailures)
    func allOrNothing(_ failure: LateFailure) async throws {
        try await TestServer.run { server in
            let lists = ["/v1/group", "/v1/user", "/v1/service_token", "/v1/organization/api_keys"]
            var before: [String] = []
            for list in lists { before.append(try await server.succeed(.get, list).text) }
            #expect(try await server.call(.patch, Self.path, failure.body(server)).status == failure.status)
            for (list, text) in zip(lists, before) { #expect(try await server.succeed(.get, list).text == text) }
            #expect(try await server.call(.get, "/v1/project", as: server.member).status == 200)
        }
    }

    @Test("with create on org_member one adds and does not remove, with delete the other way round")
    func permissions() async throws {
        try await TestServer.run { server in
            let adding: JSONValue = ["invite_users": ["emails": ["new@acme.test"]]]
            let removing: JSONValue = ["remove_users": ["emails": ["new@acme.test"]]]
            for (permission, statuses) in [(Permission.create, [200, 403]), (.delete, [403, 200])] {
                let ann = try await server.join("ann-\(permission.rawValue)")
                try await server.grant(.permission(permission), on: .orgMember, server.acme, to: .user(ann))
                let answers = [
                    try await server.call(.patch, Self.path, adding, as: ann).status,
                    try await server.call(.patch, Self.path, removing, as: ann).status,
                ]
                #expect(answers == statuses)
            }
            let both = try await server.join("both")
            try await server.grant(.permission(.create), on: .orgMember, server.acme, to: .user(both))
            let mixed: JSONValue = [
                "invite_users": ["emails": ["other@acme.test"]], "remove_users": ["emails": ["new@acme.test"]],
            ]
            #expect(try await server.call(.patch, Self.path, mixed, as: both).status == 403)
            #expect(try await server.succeed(.get, "/v1/user?email=other@acme.test").ids == [])
        }
    }

    @Test("a thousand members in one call, and not one more", arguments: ["invite_users", "remove_users"])
    func limit(part: String) async throws {
        try await TestServer.run { server in
            let emails = (0...1_000).map { JSONValue.string("person\($0)@acme.test") }
            let tooMany = try await server.call(.patch, Self.path, [part: ["emails": .array(emails)]])
            #expect(tooMany.status == 400)
            #expect(tooMany["Message"]?.string?.contains("at most 1000") == true)
            let atMost: JSONValue = [part: ["emails": .array(Array(emails.dropLast()))]]
            #expect(try await server.call(.patch, Self.path, atMost).status == 200)
            let added = part == "invite_users" ? 1_000 : 0
            #expect(try await server.succeed(.get, "/v1/user").ids.count == 2 + added)
        }
    }

    // MARK: Mail

    @Test("mail goes to those who were added, when it is asked for, and its failure leaves the invitation")
    func mail() async throws {
        let sent = Sent()
        var options = TestServer.Options()
        options.invite = { invitations in sent.take(invitations) }
        try await TestServer.run(options) { server async throws in
            func invite(_ emails: String..., sending: JSONValue) async throws -> JSONValue? {
                let body: JSONValue = [
                    "invite_users": [
                        "emails": .ids(emails), "service_accounts": [["name": .string(emails[0])]],
                        "send_invite_emails": sending,
                    ]
                ]
                return try await server.succeed(.patch, Self.path, body)["send_email_error"]
            }
            #expect(try await invite("a@acme.test", server.member.email, sending: true) == .null)
            #expect(try await invite("b@acme.test", sending: false) == .null)
            #expect(try await invite("c@acme.test", sending: nil) == .null)
            #expect(try await invite("a@acme.test", sending: true) == .null)
            let texts = sent.all.map { $0.map { [$0.email, $0.organization, $0.inviter] } }
            #expect(texts == [[["a@acme.test", "Acme", server.owner.email]]])

            sent.fail(with: "The mail server is away.")
            #expect(try await invite("d@acme.test", sending: true) == "The mail server is away.")
            #expect(try await server.succeed(.get, "/v1/user?email=d@acme.test").ids.count == 1)
        }
    }

    @Test("a server that sends no mail says so")
    func withoutMail() async throws {
        try await TestServer.run { server in
            let body: JSONValue = ["invite_users": ["emails": ["a@acme.test"], "send_invite_emails": true]]
            let answer = try await server.succeed(.patch, Self.path, body)
            #expect(answer["send_email_error"]?.string?.contains("no mail") == true)
            #expect(try await server.succeed(.get, "/v1/user?email=a@acme.test").ids.count == 1)
        }
    }
}

/// What a test's mail server was given.
private final class Sent: Sendable {
    private let state = Mutex<(batches: [[Invitation]], failure: String?)>(([], nil))

    var all: [[Invitation]] { state.withLock(\.batches) }

    func fail(with sentence: String) { state.withLock { $0.failure = sentence } }

    func take(_ invitations: [Invitation]) -> String? {
        state.withLock { state in
            state.batches.append(invitations)
            return state.failure
        }
    }
}
