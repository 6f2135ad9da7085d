import HTTPTypes
import Testing
import WitanConsole
import WitanCore
import WitanEngines
import WitanHTTP
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

/// The page of API keys (ADR 0018).
@Suite("The page of API keys makes, shows and deletes keys")
struct APIKeysPageTests {
    private static let page = "/app/Acme/configuration/org/api-keys"

    @Test("a key is made, shown once, works, is listed, deleted, and refused")
    func life() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.member, on: server)
            try await browser.get(Self.page + "?add=1")
            let made = try await browser.post(Self.page + "?add=1", ["name": "my laptop", "expiry": "never"])
            #expect(made.status == 200)
            #expect(made.header("cache-control") == "no-store")
            let key = made.revealedSecret
            #expect(key.hasPrefix("sk-"))
            let url = "https://witan.test"
            #expect(
                made.text.contains(
                    "export BRAINTRUST_APP_URL=\(url) BRAINTRUST_API_URL=\(url) BRAINTRUST_API_KEY=\(key)"
                )
            )
            let used = try await server.send(.get, "/v1/api_key", headers: ["authorization": "Bearer \(key)"])
            #expect(used.status == 200)
            let list = try await browser.get(Self.page)
            #expect(list.text.contains("my laptop"))
            #expect(!list.text.contains(key))
            let id = try #require(used.objects.first { $0["name"]?.string == "my laptop" }?["id"]?.string)
            let dialog = try await browser.get(Self.page + "?delete=\(id)")
            #expect(dialog.text.contains("“<bdi>my laptop</bdi>”"))
            let deleted = try await browser.post(Self.page + "?delete=selected", ["selected": id])
            #expect(try await browser.follow(deleted).text.contains("The key was deleted."))
            let refused = try await server.send(.get, "/v1/api_key", headers: ["authorization": "Bearer \(key)"])
            #expect(refused.status == 401)
        }
    }

    @Test("an owner sees everybody's keys with their owners, a member their own alone")
    func visibility() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let owner = try await TestBrowser.signedIn(server.owner, on: server).get(Self.page)
            #expect(owner.text.contains("owner&#39;s key"))
            #expect(owner.text.contains("member&#39;s key") && owner.text.contains(server.member.email))
            #expect(!owner.text.contains("stranger"))
            let browser = try await TestBrowser.signedIn(server.member, on: server)
            let member = try await browser.get(Self.page)
            #expect(member.text.contains("member&#39;s key"))
            #expect(!member.text.contains("owner&#39;s key") && !member.text.contains(server.owner.email))
            // What isn't offered is refused when it is tried anyway.
            try await browser.post(Self.page + "?delete=selected", ["selected": server.owner.keyID.description])
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 200)
        }
    }

    @Test("a key expires on the day that was chosen, and the list says so")
    func expiry() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.page + "?add=1")
            let made = try await browser.post(Self.page + "?add=1", ["name": "short", "expiry": "30"])
            let key = made.revealedSecret
            let bearer: KeyValuePairs = ["authorization": "Bearer \(key)"]
            server.clock.advance(by: .seconds(30 * 86_400 - 1))
            #expect(try await server.send(.get, "/v1/api_key", headers: bearer).status == 200)
            server.clock.advance(by: .seconds(1))
            #expect(try await server.send(.get, "/v1/api_key", headers: bearer).status == 401)
            let later = try await TestBrowser.signedIn(server.owner, on: server)
            #expect(try await later.get(Self.page).text.contains("expired"))

            try await later.get(Self.page + "?add=1")
            for date in ["2000-01-01", "tomorrow", ""] {
                let refused = try await later.post(
                    Self.page + "?add=1",
                    ["name": "x", "expiry": "date", "expires_on": date]
                )
                #expect(refused.text.contains("Choose a date after today"))
                #expect(refused.revealedSecret.isEmpty)
            }
        }
    }

    @Test(
        "a hostile name is text and nothing else, and blows up no page",
        arguments: [
            "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'); DROP TABLE api_keys; --",
            "\u{202E}gnp.exe", "\"\u{301} x=\u{600}<b\u{600}>\u{600}'\u{301}&\u{301}",
            "\u{6DD}<script>\u{301}alert(1)</script>", "{{frame.formToken}}", String(repeating: "<", count: 1_024),
        ]
    )
    func hostile(name: String) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.page + "?add=1")
            let made = try await browser.post(Self.page + "?add=1", ["name": name, "expiry": "never"])
            #expect(!made.revealedSecret.isEmpty)
            let list = try await browser.get(Self.page)
            let found = try await browser.get(Self.page + "?q=\(FormFields.encode(name))")
            let id = try #require(list.rowIDs.first)
            let dialog = try await browser.get(Self.page + "?delete=\(id)")
            for answer in [made, list, found, dialog] {
                #expect(!answer.text.contains("<script>alert") && !answer.text.contains("<img"))
                #expect(!answer.text.contains("<<"))
                // By scalars: with an accent or a sign before it a mark is another character to Swift, not to a browser.
                #expect(!answer.text.unicodeScalars.hasRaw(of: name))
                #expect(answer.bytes.count < 60 << 10)
            }
        }
    }

    @Test("no page is longer than 60 KiB, however many keys with however long names there are")
    func size() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let name = String(repeating: "&\"<", count: 341)
            for _ in 1...45 { _ = try await server.makeKey(name, as: server.owner) }
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let list = try await browser.get(Self.page)
            #expect(list.bytes.count < 60 << 10)
            #expect(list.text.contains("rel=\"next\""))
        }
    }

    @Test("an organization with the longest of names has pages that are short, at addresses that work")
    func longOrganization() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let name = String(repeating: "<", count: 1_024)
            let body: JSONValue = ["name": .string(name)]
            let path = "/v1/organization/\(server.owner.organizationID)"
            let renamed = try await server.send(.patch, path, as: server.owner, body: .json(body))
            #expect(renamed.status == 200)
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            for slug in ["api-keys", "service-tokens", "members", "groups", "audit-log", "general"] {
                let page = try await browser.get("/app/~/configuration/org/\(slug)")
                #expect(page.status == 200)
                #expect(page.bytes.count < 60 << 10)
                let address = "/app/\(server.owner.organizationID)/configuration/org/\(slug)"
                #expect(page.text.contains("href=\"\(address)\""))
                #expect(try await browser.get(address).status == 200)
            }
        }
    }

    @Test(
        "an organization whose name browsers take out of an address, or that has a meaning there, is known by its id",
        arguments: ["~", ".", ".."]
    )
    func meaningfulName(name: String) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            try await server.succeed(.patch, "/v1/organization/\(server.acme)", ["name": .string(name)])
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let page = try await browser.get("/app/~/configuration/org/members")
            let links = page.text.split(separator: " href=\"/app/").dropFirst().map { $0.prefix { $0 != "/" } }
            #expect(links.count > 6 && links.allSatisfy { $0 == server.acme })
            #expect(try await browser.get("/app/\(server.acme)/configuration/org/members").status == 200)
            let added = try await browser.post("/app/\(server.acme)/configuration/org/groups?add=1", ["name": "one"])
            #expect(added.header("location") == "/app/\(server.acme)/configuration/org/groups")
        }
    }

    @Test(
        "several keys are deleted by one change, those that are there and are the person's, and the others are refused"
    )
    func several() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            var keys: [String] = []
            for number in 1...3 {
                keys.append(try await server.makeKey("key \(number)", as: server.member).keyID.description)
            }
            let clock = {
                try await server.database.read { try $0.row("SELECT seq FROM cluster_clock")?.integer(0) } ?? 0
            }
            let browser = try await TestBrowser.signedIn(server.member, on: server)
            try await browser.get(Self.page)
            try await server.succeed(.delete, "/v1/api_key/\(keys[2])")
            let (before, rows) = (try await clock(), try await server.auditRows().count)
            let foreign = server.owner.keyID.description
            let deleted = try await browser.post(
                Self.page + "?delete=selected",
                [
                    "selected": keys[0], "selected": keys[1], "selected": keys[1], "selected": keys[2],
                    "selected": foreign,
                ]
            )
            #expect(try await browser.follow(deleted).text.contains("2 keys were deleted."))
            #expect(try await clock() == before + 1)
            let written = try await server.auditRows()[rows...]
                .map { [$0["event_type"], $0["outcome"], $0["object_id"]] }
            let expected = [
                (keys[0], "success"), (keys[1], "success"), (keys[2], "denied"), (foreign, "denied"),
            ]
            .map { id, outcome in [.text("api_key.deleted"), .text(outcome), .text(id)] as [SQLValue?] }
            #expect(Set(written) == Set(expected) && written.count == 4)
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 200)
        }
    }

    @Test(
        "each column sorts the rows both ways, by what it shows, and paging keeps the order",
        arguments: ["name", "key", "owner", "created", "expires", "used"]
    )
    func order(column: String) async throws {
        var options = TestServer.Options()
        options.configuration.limits.pageRows = 3
        try await TestServer.run(on: .chosen, options) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.page + "?add=1")
            // Each column in an order of its own, with upper and lower case, equal ones, and two that hold nothing.
            for (name, day) in [("beta", 5), ("Alpha", 9), ("gamma", 5), ("BETA", 7), ("delta", 0)] {
                server.clock.advance(by: .seconds(60))
                let made = try await browser.post(
                    Self.page + "?add=1",
                    ["name": name, "expiry": day > 0 ? "date" : "never", "expires_on": "2026-03-0\(day)"]
                )
                #expect(made.status == 200)
                guard name != "gamma" else { continue }
                server.clock.advance(by: .seconds(name == "beta" ? 600 : 60))
                let bearer: KeyValuePairs = ["authorization": "Bearer \(made.revealedSecret)"]
                #expect(try await server.send(.get, "/v1/api_key", headers: bearer).status == 200)
            }
            try await server.lastUses.flush(to: server.database)
            let keys = try await server.services[APIKeyResource.resource]
                .list(Self.all(server), .ofOrganization, for: server.accounts.caller(email: server.owner.email))
                .page(limit: 100).records
            #expect(keys.count == 7)
            for isDescending in [false, true] {
                let expected = keys.sorted { first, second in
                    let (a, b) = (Self.rank(first, column, isDescending), Self.rank(second, column, isDescending))
                    return isDescending ? b.lexicographicallyPrecedes(a) : a.lexicographicallyPrecedes(b)
                }
                // The first press on a moment that has passed gives the latest first.
                let isReversed = isDescending != ["created", "used"].contains(column)
                var seen: [String] = []
                var query: String? = "?sort=\(isReversed ? "-" : "")\(column)"
                while let next = query {
                    let page = try await browser.get(Self.page + next)
                    seen += page.rowIDs
                    query = page.pageLink("next")
                    let direction = isDescending ? "descending" : "ascending"
                    #expect(page.text.contains("aria-sort=\"\(direction)\"><a id=\"sort-\(column)\""))
                }
                #expect(seen == expected.compactMap { $0.id?.description }, "\(isDescending)")
            }
        }
    }

    private static func all(_ server: TestServer) -> ListRequest {
        var request = ListRequest()
        request.organizationID = server.owner.organizationID
        return request
    }

    /// What a row is ordered by: what its column holds, nothing last, then when it was made, then its id.
    private static func rank(_ key: Record, _ column: String, _ isDescending: Bool) -> [String] {
        func text(_ moment: Timestamp?) -> String? { moment?.rfc3339 }
        let shown: String? =
            switch column {
            case "name": key[APIKeyResource.name]?.lowercased()
            case "key": key[APIKeyResource.previewName]?.lowercased()
            case "owner": key[APIKeyResource.userEmail]
            case "expires": text(key[APIKeyResource.expiresAt])
            case "used": text(key[APIKeyResource.lastUsedAt])
            default: text(key[APIKeyResource.created])
            }
        let last = isDescending ? "" : "\u{10FFFF}"
        return [shown ?? last, text(key[APIKeyResource.created]) ?? "", key.id?.description ?? ""]
    }

    @Test("whoever has no key is told what one is for, and where to make it; a search that finds none is another thing")
    func empty() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.member, on: server)
            let full = try await browser.get(Self.page)
            #expect(full.text.contains("<table") && !full.text.contains("No API keys yet"))
            let none = try await browser.get(Self.page + "?q=nothing-of-that-name")
            #expect(none.text.contains("No key has “<bdi>nothing-of-that-name</bdi>”"))
            #expect(!none.text.contains("No API keys yet") && !none.text.contains("<table"))
            let deleted = try await browser.post(
                Self.page + "?delete=selected",
                ["selected": server.member.keyID.description]
            )
            let empty = try await browser.follow(deleted)
            #expect(empty.text.contains("No API keys yet") && empty.text.contains("Make one for each program"))
            #expect(empty.text.contains("id=\"add\""))
            for missing in ["<table", "role=\"search\"", "Delete selected"] { #expect(!empty.text.contains(missing)) }
        }
    }

    @Test("what was done is told once: not when the page is loaded again, and to nobody whose address says so")
    func notice() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let key = try await server.makeKey("old", as: server.owner)
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.page)
            let deleted = try await browser.post(
                Self.page + "?delete=selected",
                ["selected": key.keyID.description]
            )
            let location = try #require(deleted.header("location"))
            // Another page does not use it up.
            #expect(try await !browser.get("/app/Acme/configuration/org/general").text.contains("role=\"status\""))
            #expect(try await browser.get(location).text.contains("The key was deleted."))
            #expect(try await !browser.get(location).text.contains("role=\"status\""))
            for address in [Self.page + "?deleted=1", Self.page + "?done=1"] {
                #expect(try await !browser.get(address).text.contains("role=\"status\""))
            }
            for word in ["api-keys.<b>", "members.removed", "api-keys", "groups.groups.added", ""] {
                browser.cookies["__Host-witan_notice"] = word
                #expect(try await !browser.get(Self.page).text.contains("role=\"status\""))
            }
        }
    }

    @Test("a date field takes no day before tomorrow, by the server's days")
    func firstDay() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let owner = try await TestBrowser.signedIn(server.owner, on: server)
            for page in [Self.page, "/app/Acme/configuration/org/service-tokens"] {
                // The clock of tests begins at noon.
                let form = try await owner.get(page + "?add=1")
                #expect(form.text.contains("min=\"2026-02-01\""))
                let date = { (day: String) in
                    try await owner.post(
                        page + "?add=1",
                        ["account": "bot", "name": "x", "expiry": "date", "expires_on": day]
                    )
                }
                let refused = try await date("2026-01-31")
                #expect(refused.status == 400 && refused.text.contains("min=\"2026-02-01\""))
                #expect(try await !date("2026-02-01").revealedSecret.isEmpty)
            }
        }
    }

    @Test("the list is searched, sorted by each column and paged through without gaps")
    func list() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            for number in 1...90 {
                server.clock.advance(by: .seconds(1))
                _ = try await server.makeKey("Key \(number % 10)\(number)", as: server.owner)
            }
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            for sort in ["", "name", "-name", "owner", "created", "-created", "expires", "-used", "used", "nonsense"] {
                var seen: [String] = []
                var query: String? = "?q=key&sort=\(sort)"
                var back: String?
                while let next = query {
                    let page = try await browser.get(Self.page + next)
                    seen += page.rowIDs
                    query = page.pageLink("next")
                    back = page.pageLink("prev")
                }
                #expect(Set(seen).count == seen.count)
                // Two of the keys that are there from the start have “key” in their names.
                #expect(seen.count == 92)
                let before = try await browser.get(Self.page + (try #require(back)))
                #expect(before.rowIDs == Array(seen[60..<90]))
            }
            let found = try await browser.get(Self.page + "?q=KEY%20990&sort=name")
            #expect(found.rowIDs.isEmpty)
            let one = try await browser.get(Self.page + "?q=KEY%20989")
            #expect(one.rowIDs.count == 1)
            let none = try await browser.get(Self.page + "?q=%25")
            #expect(none.text.contains("No key has"))
        }
    }

    @Test("when a key was last used is noted without a write for each request")
    func lastUse() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            #expect(try await browser.get(Self.page).text.contains(">never</td>"))
            _ = try await server.send(.get, "/v1/api_key", as: server.owner)
            try await server.lastUses.flush(to: server.database)
            let page = try await browser.get(Self.page)
            #expect(page.text.contains("data-style=\"relative\""))
            let plain = try await server.send(.get, "/v1/api_key", as: server.owner)
            #expect(!plain.text.contains("last_used_at") && !plain.text.contains("expires_at"))
        }
    }
}

extension String.UnicodeScalarView {
    /// Whether they hold the first three scalars of a hostile text that would end an attribute or begin a tag as they are.
    fileprivate func hasRaw(of text: String) -> Bool {
        let hostile = Array(text.unicodeScalars)
        guard let mark = hostile.firstIndex(where: { "<>\"'&".unicodeScalars.contains($0) }) else { return false }
        let around = hostile[Swift.max(0, mark - 1)..<Swift.min(hostile.count, mark + 2)]
        guard around.count == 3 || around.count == 2, around.contains(where: { !$0.isASCII }) else { return false }
        let all = Array(self)
        return all.indices.dropLast(around.count).contains { all[$0..<$0 + around.count].elementsEqual(around) }
    }
}
