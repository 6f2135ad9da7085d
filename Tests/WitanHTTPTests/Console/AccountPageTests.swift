import HTTPTypes
import Testing
import WitanCore
import WitanEngines
import WitanHTTP
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

/// The pages of one's own account and of the organization itself.
@Suite("The pages Account and General change what is the person's to change")
struct AccountPageTests {
    private static let page = "/app/Acme/configuration/account"
    private static let password = "correct horse battery staple"

    @Test("a session is ended by its person, and somebody else's is not there for them")
    func endSession() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let first = try await TestBrowser.signedIn(server.owner, on: server)
            let second = try await TestBrowser.signedIn(server.owner, on: server)
            let stranger = try await TestBrowser.signedIn(server.member, on: server)
            let sessions = try await server.signIn.sessions(of: server.owner.id)
            let foreign = try await server.signIn.sessions(of: server.member.id)
            #expect(sessions.count == 2)
            try await first.get(Self.page)
            // Newest first: the second is the one to end.
            let ended = try await first.post(Self.page, ["end": sessions[0].id.description])
            #expect(ended.status == 303)
            #expect(try await second.get(Self.page).status == 303)
            #expect(try await first.get(Self.page).status == 200)
            let refused = try await first.post(Self.page, ["end": foreign[0].id.description])
            #expect(refused.status == 404)
            #expect(try await stranger.get("/app/~/configuration/account").status == 200)
        }
    }

    @Test("whoever has a password must know it to change it")
    func changePassword() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.page)
            let set = ["set_password": "1", "new_password": Self.password] as KeyValuePairs
            #expect(try await browser.post(Self.page, set).status == 303)
            try await browser.get(Self.page)
            for current in ["", "wrong wrong wrong"] {
                let refused = try await browser.post(
                    Self.page,
                    ["set_password": "1", "current_password": current, "new_password": "another good password"]
                )
                #expect(refused.status == 401)
                #expect(refused.text.contains("The current password is not right."))
            }
            let short = try await browser.post(
                Self.page,
                ["set_password": "1", "current_password": Self.password, "new_password": "short"]
            )
            #expect(short.status == 400)
            let changed = try await browser.post(
                Self.page,
                ["set_password": "1", "current_password": Self.password, "new_password": "another good password"]
            )
            #expect(changed.status == 303)
        }
    }

    @Test("a first password takes a sign-in of the last ten minutes; after them the page says to sign in again")
    func firstPassword() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let set = ["set_password": "1", "new_password": Self.password] as KeyValuePairs
            let old = try await TestBrowser.signedIn(server.owner, on: server)
            #expect(try await old.get(Self.page).text.contains("id=\"password-form\""))
            server.clock.advance(by: .seconds(600))
            let page = try await old.get(Self.page)
            #expect(!page.text.contains("id=\"password-form\""))
            #expect(page.text.contains("Sign in again"))
            let refused = try await old.post(Self.page, set)
            #expect(refused.status == 401)
            #expect(refused.text.contains("sign in again, with a link or at the provider"))
            #expect(try await !server.signIn.hasPassword(server.owner.id))

            let new = try await TestBrowser.signedIn(server.owner, on: server)
            server.clock.advance(by: .seconds(599))
            try await new.get(Self.page)
            #expect(try await new.post(Self.page, set).status == 303)
            // Whoever knows the old one may take their time.
            server.clock.advance(by: .seconds(3_600))
            #expect(try await new.get(Self.page).text.contains("id=\"password-form\""))
            let changed = try await new.post(
                Self.page,
                ["set_password": "1", "current_password": Self.password, "new_password": "another good password"]
            )
            #expect(changed.status == 303)
        }
    }

    @Test("many sessions with long names are listed in a short page, and the oldest end when there are too many")
    func manySessions() async throws {
        var options = TestServer.Options()
        options.configuration.limits.sessionsOfPerson = 40
        try await TestServer.run(on: .chosen, options) { server async throws in
            for _ in 1...45 {
                server.clock.advance(by: .seconds(1))
                let link = try await server.signIn.makeLink(for: server.owner.id, email: server.owner.email)
                let token = String(link.dropFirst("/signin/link?token=".count))
                let origin = RequestOrigin(
                    clientAddress: "192.0.2.1",
                    userAgent: String(repeating: "\"", count: 500),
                    traceID: nil
                )
                _ = try await server.signIn.signIn(link: token, from: origin)
            }
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let page = try await browser.get(Self.page)
            #expect(page.bytes.count < 60 << 10)
            let rows = try await server.database.read { connection in
                try connection.row("SELECT COUNT(*) FROM sessions WHERE user_id = \(server.owner.id)")?.integer(0)
            }
            #expect(rows == 40)
        }
    }

    @Test("an owner renames the organization; a member may not, and is not offered it")
    func general() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let page = "/app/~/configuration/org/general"
            let owner = try await TestBrowser.signedIn(server.owner, on: server)
            try await owner.get(page)
            let renamed = try await owner.post(page, ["name": "Acme & Sons", "image_rendering_mode": "blocked"])
            let shown = try await owner.follow(renamed)
            #expect(shown.status == 200)
            #expect(shown.text.contains("Saved.") && shown.text.contains("Acme &amp; Sons"))
            let bad = try await owner.post(page, ["name": "x", "image_rendering_mode": "never"])
            #expect(bad.status == 400)
            let member = try await TestBrowser.signedIn(server.member, on: server)
            let seen = try await member.get(page)
            #expect(seen.text.contains("curl -H") && !seen.text.contains("id=\"name\""))
            #expect(try await member.post(page, ["name": "Mine"]).status == 403)
        }
    }

    @Test("an owner sets and clears on the page whatever the API can change of the organization")
    func allOfOrganization() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let page = "/app/~/configuration/org/general"
            let read = { try await server.succeed(.get, "/v1/organization/\(server.acme)") }
            let owner = try await TestBrowser.signedIn(server.owner, on: server)
            let form = try await owner.get(page)
            for field in OrganizationResource.resource.fields where field.isWritable(by: .patch) {
                #expect(form.text.contains("name=\"\(field.name)\""), "The page must have \(field.name).")
            }
            let all: KeyValuePairs = [
                "name": "Acme", "api_url": "https://data.test", "proxy_url": "https://proxy.test",
                "realtime_url": "wss://live.test", "is_universal_api": "yes", "is_dataplane_private": "no",
                "image_rendering_mode": "blocked",
            ]
            let saved = try await owner.follow(try await owner.post(page, all))
            #expect(saved.text.contains("Saved.") && saved.text.contains("value=\"https://proxy.test\""))
            #expect(saved.text.contains("value=\"yes\" selected") && saved.text.contains("value=\"no\" selected"))
            let expected: JSONObject = [
                "api_url": "https://data.test", "proxy_url": "https://proxy.test", "realtime_url": "wss://live.test",
                "is_universal_api": true, "is_dataplane_private": false, "image_rendering_mode": "blocked",
            ]
            let organization = try await read()
            for (name, value) in expected.members { #expect(organization[name] == value, "\(name)") }
            // A form without a field, such as a copy of an older page, changes nothing there.
            #expect(try await owner.post(page, ["name": "Acme"]).status == 303)
            #expect(try await read().text == organization.text)
            let none = KeyValuePairs(dictionaryLiteral: ("name", "Acme"), ("api_url", ""), ("proxy_url", ""))
            #expect(try await owner.post(page, none).status == 303)
            let flags: KeyValuePairs = ["name": "Acme", "realtime_url": " ", "is_universal_api": ""]
            #expect(try await owner.post(page, flags).status == 303)
            let cleared = try await read()
            for name in ["api_url", "proxy_url", "realtime_url", "is_universal_api"] {
                #expect(cleared[name] == .null, "\(name)")
            }
            #expect(cleared["is_dataplane_private"] == false)
        }
    }

    @Test("failed sign-ins from one address are limited, whichever accounts they are for, and however many at once")
    func addressLimit() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let outcomes = await withTaskGroup(of: Bool.self) { group in
                for number in 1...30 {
                    group.addTask {
                        let origin = RequestOrigin(clientAddress: "192.0.2.1", userAgent: nil, traceID: nil)
                        do {
                            _ = try await server.signIn.signIn(
                                email: "person\(number)@acme.test",
                                password: Self.password,
                                from: origin
                            )
                            return true
                        } catch {
                            return (error as? Failure)?.code == .rateLimited
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count { $0 } == 10)
        }
    }
}
