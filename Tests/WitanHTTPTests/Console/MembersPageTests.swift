import HTTPTypes
import Synchronization
import Testing
import WitanCore
import WitanEngines
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

/// The page of members (ADR 0018).
@Suite("The page of members invites, regroups and removes people")
struct MembersPageTests {
    private static let page = "/app/Acme/configuration/org/members"

    @Test("an owner invites people into a group, changes their groups and removes them with their keys")
    func life() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let engineers = try await server.builtIn(.engineers)
            let viewers = try await server.builtIn(.viewers)
            let dialog = try await browser.get(Self.page + "?add=1")
            #expect(dialog.text.contains("<dialog id=\"dialog\"") && dialog.text.contains(engineers))
            let invited = try await browser.post(
                Self.page + "?add=1",
                ["emails": "New@Acme.Test\r\n\r\n  other@acme.test ", "group": engineers]
            )
            #expect(invited.status == 303)
            let list = try await browser.follow(invited)
            #expect(list.text.contains("new@acme.test") && list.text.contains("other@acme.test"))
            #expect(list.text.contains("role=\"status\""))

            let person = try await server.key(of: "new@acme.test", in: server.owner.organizationID)
            let id = person.id.description
            #expect(
                try await browser.get(Self.page + "?edit=\(id)").text.contains("Groups of <bdi>new@acme.test</bdi>")
            )
            let changed = try await browser.post(Self.page + "?edit=\(id)", ["group": viewers, "was.group": engineers])
            #expect(changed.status == 303)
            let members = { (group: String) in
                try await server.succeed(.get, "/v1/group/\(group)")["member_users"]?.array ?? []
            }
            #expect(try await !members(engineers).contains(.string(id)))
            #expect(try await members(viewers).contains(.string(id)))

            let confirmation = try await browser.get(Self.page + "?remove=\(id)")
            #expect(confirmation.text.contains("“<bdi>new@acme.test</bdi>”"))
            #expect(try await server.send(.get, "/v1/api_key", as: person).status == 200)
            let removed = try await browser.follow(try await browser.post(Self.page + "?remove=\(id)", [:]))
            #expect(removed.text.contains("Removed.") && !removed.text.contains("new@acme.test"))
            #expect(try await server.send(.get, "/v1/api_key", as: person).status == 401)
        }
    }

    @Test("an engineer sees the members, is offered no change, and is refused each")
    func engineer() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.member, on: server)
            let owner = server.owner.id.description
            for query in ["", "?add=1", "?edit=\(owner)", "?remove=\(owner)"] {
                let page = try await browser.get(Self.page + query)
                #expect(page.status == 200)
                #expect(page.text.contains(server.owner.email))
                for offer in ["Invite people", "Change groups", ">Remove<", "<dialog"] {
                    #expect(!page.text.contains(offer))
                }
            }
            let engineers = try await server.builtIn(.engineers)
            let invited = try await browser.post(Self.page + "?add=1", ["emails": "new@acme.test"])
            let changed = try await browser.post(Self.page + "?edit=\(owner)", ["group": engineers])
            let row = try #require(try await server.auditRows().last)
            #expect(row["event_type"] == "group.updated" && row["outcome"] == "denied")
            #expect(row["object_id"] == .text(engineers))
            let removed = try await browser.post(Self.page + "?remove=\(owner)", [:])
            for refused in [invited, changed, removed] {
                #expect(refused.status == 403)
                #expect(refused.text.contains("role=\"alert\""))
            }
            let users = try await server.succeed(.get, "/v1/user")
            #expect(users.text.contains(server.owner.email) && !users.text.contains("new@acme.test"))
        }
    }

    @Test("whoever may not read the members has no such page")
    func nobody() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(try await server.memberOfNoGroup(), on: server)
            let page = try await browser.get(Self.page)
            #expect(page.status == 403)
            #expect(!page.text.contains(server.owner.email))
            #expect(try await !browser.get("/app/Acme/configuration/org/api-keys").text.contains("org/members"))
        }
    }

    @Test("the last owner stays, and a wrong address is told with what was written")
    func refusals() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.page)
            let owner = server.owner.id.description
            let owners = try await server.builtIn(.owners)
            let viewers = try await server.builtIn(.viewers)
            for (query, fields) in [
                ("?remove=\(owner)", [:]), ("?edit=\(owner)", ["was.group": owners]),
                ("?edit=\(owner)", ["group": viewers, "was.group": owners]),
            ] as [(String, KeyValuePairs<String, String>)] {
                let before = try await server.content()
                let refused = try await browser.post(Self.page + query, fields)
                #expect(refused.status == 400)
                #expect(refused.text.contains("without an owner"))
                // Nor is anything done of the rest.
                #expect(try await server.content() == before)
            }
            let refused = try await browser.post(Self.page + "?add=1", ["emails": "good@acme.test\nno address"])
            #expect(refused.status == 400)
            #expect(refused.text.contains("<dialog") && refused.text.contains("good@acme.test\nno address"))
            let empty = try await browser.post(Self.page + "?add=1", ["emails": " \n "])
            #expect(empty.status == 400)
            #expect(try await !server.succeed(.get, "/v1/user").text.contains("good@acme.test"))
            // A form without its token does nothing.
            let forged = try await browser.post(Self.page + "?add=1", ["emails": "good@acme.test"], token: "")
            #expect(forged.status == 403)
            #expect(try await !server.succeed(.get, "/v1/user").text.contains("good@acme.test"))
        }
    }

    @Test("mail that was not sent is a warning beside what was done")
    func mail() async throws {
        var options = TestServer.Options()
        options.invite = { _ in "The mail server is <away>." }
        try await TestServer.run(on: .chosen, options) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.page + "?add=1")
            let told = try await browser.post(Self.page + "?add=1", ["emails": "new@acme.test", "mail": "1"])
            #expect(told.status == 200)
            #expect(told.text.contains("The mail server is &lt;away&gt;.") && told.text.contains("new@acme.test"))
            let quiet = try await browser.post(Self.page + "?add=1", ["emails": "quiet@acme.test"])
            #expect(quiet.status == 303)
        }
    }

    @Test("who is invited from the page is told by mail in which organization they are, and by whom")
    func mailSent() async throws {
        let sent = Mutex<[Invitation]>([])
        var options = TestServer.Options()
        options.invite = { invitations in
            sent.withLock { $0 += invitations }
            return nil
        }
        try await TestServer.run(on: .chosen, options) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let form = try await browser.get(Self.page + "?add=1")
            #expect(form.text.contains("name=\"mail\" value=\"1\" checked"))
            let fields: KeyValuePairs = ["emails": "one@acme.test, two@acme.test\nmember@acme.test", "mail": "1"]
            let invited = try await browser.follow(try await browser.post(Self.page + "?add=1", fields))
            #expect(invited.text.contains("role=\"status\">Invited."))
            #expect(!invited.text.contains("role=\"alert\"") && !invited.text.contains("Nothing was sent"))
            let mails = sent.withLock(\.self)
            // Whoever is a member already is told nothing.
            #expect(mails.map(\.email) == ["one@acme.test", "two@acme.test"])
            #expect(mails.allSatisfy { $0.organization == "Acme" && $0.inviter == server.owner.email })
        }
    }

    @Test("a server without a mail server offers no mail, and says how people get in")
    func noMail() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let form = try await browser.get(Self.page + "?add=1")
            #expect(!form.text.contains("name=\"mail\"") && !form.text.contains("Tell them by mail"))
            #expect(form.text.contains("This server sends no mail.") && form.text.contains("sign in by a link"))
            let invited = try await browser.post(Self.page + "?add=1", ["emails": "new@acme.test"])
            let told = try await browser.follow(invited)
            #expect(told.text.contains("role=\"status\">Invited.") && told.text.contains("Nothing was sent"))
            // A form that asks for mail all the same.
            let asked = try await browser.post(Self.page + "?add=1", ["emails": "other@acme.test", "mail": "1"])
            #expect(asked.status == 200 && asked.text.contains("has no setting smtp-url"))
        }
    }

    @Test("a hostile name is text and nothing else", arguments: hostileNames)
    func hostile(name: String) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let robot = try await server.serviceAccount(name)
            _ = try await server.group(name, users: [robot])
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            for query in ["", "?edit=\(robot.id)", "?remove=\(robot.id)", "?add=1", "?q=%3C%3C%22"] {
                let page = try await browser.get(Self.page + query)
                #expect(page.status == 200)
                #expect(!page.isTainted && page.isShort)
            }
        }
    }

    @Test("no page is longer than 60 KiB, and all are paged through, searched and sorted")
    func size() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let name = String(repeating: "&\"<", count: 341)
            for number in 100...210 { _ = try await server.group("\(name.dropLast(3))\(number)") }
            let group = try await server.group("\"" + name)
            let accounts: [JSONValue] = (10...99).map { ["name": .string("\(name.dropLast(3))\($0)")] }
            try await server.succeed(
                .patch,
                "/v1/organization/members",
                ["invite_users": ["service_accounts": .array(accounts), "group_ids": [.string(group)]]]
            )
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            for sort in ["", "name", "-name", "email"] {
                var seen: [String] = []
                var query: String? = "?sort=\(sort)"
                while let next = query {
                    let page = try await browser.get(Self.page + next)
                    #expect(page.isShort, "\(page.bytes.count)")
                    seen += page.rowIDs
                    query = page.pageLink("next")
                }
                #expect(Set(seen).count == seen.count)
                #expect(seen.count == 92)
            }
            for query in ["?add=1", "?edit=\(server.member.id)", "?remove=\(server.member.id)"] {
                let page = try await browser.get(Self.page + query)
                #expect(page.isShort, "\(page.bytes.count)")
                #expect(page.text.contains("<dialog"))
            }
            let found = try await browser.get(Self.page + "?q=MEMBER@")
            #expect(found.rowIDs == [server.member.id.description])
            #expect(try await browser.get(Self.page + "?q=%25%00").status < 500)
            #expect(try await browser.get(Self.page + "?q=nobody-of-that-name").text.contains("No member has"))
        }
    }
}
