import HTTPTypes
import Testing
import WitanCore
import WitanEngines
import WitanJSON
import WitanResources
import WitanServices
import WitanTesting

@testable import WitanConsole

/// The page of the audit log (ADR 0018).
@Suite("The page of the audit log shows, filters and exports what was done")
struct AuditLogPageTests {
    private static let page = "/app/Acme/configuration/org/audit-log"

    @Test("the newest events come first, and each filter leaves what it says")
    func filters() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            _ = try await server.group("old")
            server.clock.advance(by: .seconds(8 * 86_400))
            _ = try await server.group("young")
            _ = try await server.call(.post, "/v1/group", ["name": "refused"], as: server.member)
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let page = { (query: String) in try await browser.get(Self.page + query) }
            let week = try await page("")
            #expect(week.status == 200)
            #expect(week.text.contains("<bdi class=\"clamp\">young</bdi>"))
            #expect(!week.text.contains("<bdi class=\"clamp\">old</bdi>"))
            #expect(week.text.contains("refused</span>"))
            #expect(try await page("?range=24h").rowIDs == week.rowIDs)
            #expect(try await page("?range=30d&event=group.created").rowIDs.count == 3)
            #expect(try await page("?range=all&event=group.created&outcome=success").rowIDs.count == 2)
            #expect(try await page("?range=all&object_type=group&outcome=denied").rowIDs.count == 1)
            #expect(try await page("?actor=\(server.member.email.uppercased())").rowIDs.count == 1)
            #expect(try await page("?actor=\(server.member.id)").rowIDs.count == 1)
            let none = try await page("?actor=nobody@acme.test")
            #expect(none.rowIDs.isEmpty && none.text.contains("No event fits."))
            #expect(try await page("?actor=%00&event=%00&range=nonsense&outcome=%27").status == 200)
        }
    }

    @Test("an export holds everything that the filters leave, in both forms, however long it is")
    func export() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let accounts: [JSONValue] = (1...620).map { ["name": .string("bot \($0)")] }
            try await server.succeed(
                .patch,
                "/v1/organization/members",
                ["invite_users": ["service_accounts": .array(accounts)]]
            )
            _ = try await server.group("=cmd|' /C calc'!A0, \"x\"")
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let jsonl = try await browser.get(Self.page + "?event=org_member.created&range=all&export=jsonl")
            #expect(jsonl.status == 200)
            #expect(jsonl.header("content-type") == "application/jsonl; charset=utf-8")
            let name = jsonl.header("content-disposition") ?? ""
            #expect(name.hasPrefix("attachment; filename=\"witan-audit-log-") && name.hasSuffix(".jsonl\""))
            let lines = jsonl.text.split(separator: "\n")
            let events = try lines.map { try JSONParser.parse(String($0)).object }
            #expect(events.count { $0?["event_type"] == "org_member.created" } == lines.count)
            #expect(Set(events.compactMap { $0?["id"]?.string }).count == lines.count)
            #expect(lines.count >= 620)

            let csv = try await browser.get(Self.page + "?object_type=group&export=csv")
            #expect(csv.header("content-type") == "text/csv; charset=utf-8; header=present")
            let rows = csv.text.split(separator: "\r\n", omittingEmptySubsequences: false)
            #expect(rows[0].hasPrefix("id,created,org_id,event_type,outcome,"))
            #expect(rows.count == 3 && rows[2].isEmpty)
            #expect(rows[1].contains(#",group,"#) && rows[1].contains(#","'=cmd|' /C calc'!A0, ""x""","#))
            #expect(csv.header("cache-control") == "no-store")
        }
    }

    @Test(
        "a cell of comma-separated values is quoted, and is no formula",
        arguments: [
            ("plain", "plain"), ("", ""), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("a\r\nb", "\"a\r\nb\""),
            ("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\tx"), ("\rx", "\"'\rx\""),
            ("\nx", "\"'\nx\""),
            ("=\"a\"", "\"'=\"\"a\"\"\""), ("1=1", "1=1"),
        ]
    )
    func cell(text: String, cell: String) {
        #expect(AuditLogExport.cell(text) == cell)
    }

    @Test("an engineer has no such page and no export")
    func engineer() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.member, on: server)
            let keys = try await browser.get("/app/Acme/configuration/org/api-keys")
            #expect(!keys.text.contains("audit-log"))
            for query in ["", "?export=csv", "?export=jsonl"] {
                let page = try await browser.get(Self.page + query)
                #expect(page.status == 403)
                #expect(!page.text.contains("<tr") && !page.text.contains("api_key"))
            }
            // The permission to read the log is enough.
            try await server.succeed(
                .post,
                "/v1/acl",
                [
                    "object_type": "org_audit_logs", "object_id": .string(server.acme),
                    "user_id": .string(server.member.id.description), "permission": "read",
                ]
            )
            let page = try await browser.get(Self.page)
            #expect(page.status == 200)
            #expect(page.text.contains("api_key.<wbr>created"))
            let other = try await TestBrowser.signedIn(server.stranger, on: server)
            #expect(try await other.get(Self.page + "?export=jsonl").status == 403)
        }
    }

    @Test("nobody changes the log")
    func change() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get("/app/Acme/configuration/org/api-keys")
            #expect(try await browser.post(Self.page, [:]).status == 400)
            #expect(try await browser.post(Self.page, [:], token: "").status == 403)
        }
    }

    @Test("hostile names are text and nothing else, and no page is longer than 60 KiB")
    func hostile() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let long = String(repeating: "&\"<", count: 340)
            for number in 100...150 {
                try await server.succeed(
                    .post,
                    "/v1/group",
                    ["name": .string("\(long)\(number)"), "description": .string(long)]
                )
            }
            for name in hostileNames { _ = try await server.group(name) }
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            var seen: [String] = []
            var query: String? = "?event=group.created"
            while let next = query {
                let page = try await browser.get(
                    Self.page + next,
                    headers: ["user-agent": String(repeating: "\"", count: 2_000)]
                )
                #expect(!page.isTainted)
                #expect(page.isShort, "\(page.bytes.count)")
                seen += page.rowIDs
                query = page.pageLink("next")
            }
            #expect(seen.count == 51 + hostileNames.count && Set(seen).count == seen.count)
            let filtered = try await browser.get(Self.page + "?actor=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
            #expect(!filtered.isTainted)
        }
    }
}
