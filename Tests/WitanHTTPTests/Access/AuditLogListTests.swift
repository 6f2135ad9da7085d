import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

@Suite("GET /v1/organization/audit_logs")
struct AuditLogListTests {
    private static let path = "/v1/organization/audit_logs"

    @Test("owners and holders of read on org_audit_logs read it; everybody else is refused")
    func readers() async throws {
        try await TestServer.run { server in
            let viewer = try await server.join("viewer", groups: ["Viewers"])
            let auditor = try await server.join("auditor")
            for person in [server.member, viewer, auditor] {
                let refused = try await server.call(.get, Self.path, as: person)
                #expect(refused.status == 403)
            }
            let grant = try await server.grant(
                .permission(.read),
                on: .orgAuditLogs,
                server.acme,
                to: .user(auditor)
            )
            let own = try await server.succeed(.get, Self.path).ids
            #expect(try await server.succeed(.get, Self.path, as: auditor).ids == own)
            #expect(try await server.call(.get, "/v1/project", as: auditor).ids == [])
            try await server.succeed(.delete, "/v1/acl/\(grant)")
            #expect(try await server.call(.get, Self.path, as: auditor).status == 403)
        }
    }

    @Test("every change of access is a row that says what was done, newest first")
    func events() async throws {
        try await TestServer.run { server in
            let before = try await server.succeed(.get, Self.path).ids
            let project = try await server.project("p")
            let group = try await server.group("g")
            let role = try await server.role("r")
            let grant = try await server.grant(.role(role), on: .project, project, to: .group(group))
            try await server.succeed(.patch, "/v1/group/\(group)", ["add_member_users": .ids([server.member])])
            try await server.succeed(.patch, "/v1/role/\(role)", ["add_member_permissions": .permissions([.read])])
            try await server.succeed(.delete, "/v1/acl/\(grant)")
            let robot = try await server.serviceAccount("robot")
            try await server.succeed(
                .put,
                "/v1/service_token",
                ["name": "test", "service_account_id": .string(robot.id.description)]
            )
            try await server.succeed(
                .patch,
                "/v1/organization/members",
                ["remove_users": ["ids": .ids([robot])]]
            )
            _ = try await server.call(.delete, "/v1/group/\(group)", as: server.member)
            try await server.succeed(.delete, "/v1/group/\(group)")

            let rows = try await server.succeed(.get, Self.path)
            #expect(Array(rows.ids.suffix(before.count)) == before)
            let events = rows.objects.dropLast(before.count).reversed()
                .map { "\($0["event_type"]?.string ?? "") \($0["outcome"]?.string ?? "")" }
            // Each maker gets a grant on what they make.
            #expect(
                events == [
                    "project.created success", "acl.created success", "group.created success", "acl.created success",
                    "role.created success", "acl.created success", "acl.created success", "group.updated success",
                    "role.updated success", "acl.deleted success", "org_member.created success",
                    "service_token.created success", "service_token.updated success", "service_token.deleted success",
                    "org_member.deleted success", "group.deleted denied", "group.deleted success",
                ]
            )
            let change = try #require(rows.objects.first { $0["event_type"] == "group.updated" })
            #expect(change["details"] == ["add_member_users": .ids([server.member])])
            #expect(change["object_name"] == "g")
            #expect(change["actor_email"]?.string == server.owner.email)
            #expect(change["authentication"] == "api_key")
            #expect(!rows.text.contains("bt-st-") && !rows.text.contains("sk-"))
            #expect(try await server.audit.verify(in: server.database).problems == [])
        }
    }

    @Test("filters by actor, type, object, outcome and time, each alone and together")
    func filters() async throws {
        try await TestServer.run { server in
            let project = try await server.project("p")
            server.clock.advance(by: .seconds(10))
            let moment = server.clock.now.rfc3339
            server.clock.advance(by: .seconds(10))
            try await server.succeed(.patch, "/v1/project/\(project)", ["description": "d"], as: server.member)
            _ = try await server.call(.post, "/v1/group", ["name": "g"], as: server.member)
            let all = try await server.succeed(.get, Self.path).objects
            let (owner, member) = (server.owner.id, server.member.id)
            for (query, matches) in [
                ("actor_id=\(member)", { $0["actor_id"]?.string == member.description }),
                (
                    "actor_id=\(member)&actor_id=\(owner)",
                    { [member.description, owner.description].contains($0["actor_id"]?.string) }
                ),
                ("event_type=project.updated", { $0["event_type"] == "project.updated" }),
                (
                    "event_type=project.updated,project.created",
                    { ["project.updated", "project.created"].contains($0["event_type"]) }
                ),
                ("object_type=project", { $0["object_type"] == "project" }),
                ("object_id=\(project)", { $0["object_id"]?.string == project }),
                ("outcome=denied", { $0["outcome"] == "denied" }),
                ("outcome=denied&actor_id=\(owner)", { _ in false }),
                ("created_after=\(moment)", { $0["created"]?.string ?? "" > moment }),
                (
                    "created_before=\(moment)&object_type=project",
                    {
                        $0["created"]?.string ?? "" < moment && $0["object_type"] == "project"
                    }
                ),
            ] as [(String, (JSONObject) -> Bool)] {
                let expected = all.filter(matches)
                #expect(query.hasPrefix("outcome=denied&") || !expected.isEmpty, "\(query)")
                #expect(try await server.succeed(.get, "\(Self.path)?\(query)").objects == expected, "\(query)")
            }
            for (query, issue) in [
                ("actor_id=x", "actor_id"), ("outcome=maybe", "outcome"), ("object_id=x", "object_id"),
            ] {
                #expect(try await server.call(.get, "\(Self.path)?\(query)").issuePaths == [issue])
            }
        }
    }

    @Test("pages give every row once, in both directions", arguments: [1, 2, 7])
    func paging(limit: Int) async throws {
        try await TestServer.run { server in
            for number in 0..<5 { _ = try await server.project("p\(number)") }
            let all = try await server.succeed(.get, Self.path).ids
            #expect(try await server.walk(Self.path, as: server.owner, limit: limit) == all)
            let oldest = try #require(all.last)
            let page = try await server.succeed(.get, "\(Self.path)?ending_before=\(oldest)&limit=\(limit)").ids
            #expect(page == Array(all.dropLast().suffix(limit)))
        }
    }
}
