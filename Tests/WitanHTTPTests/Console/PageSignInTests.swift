import HTTPTypes
import Synchronization
import Testing
import WitanAccess
import WitanConsole
import WitanCore
import WitanEngines
import WitanJSON
import WitanServices
import WitanStorage
import WitanTesting

/// Signing in and out, and what a session is worth (ADR 0018).
@Suite("People sign in to the pages, and out")
struct PageSignInTests {
    private static let password = "correct horse battery staple"

    private static func setPassword(_ server: TestServer) async throws {
        let caller = try await server.accounts.caller(email: server.owner.email)
        try await server.signIn.setPassword(password, current: nil, for: caller)
    }

    @Test("a password signs in; a wrong one, an unknown address and a service account get one and the same answer")
    func password() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            try await Self.setPassword(server)
            let account = try await server.serviceAccount("robot")
            let browser = TestBrowser(server)
            var refusals: [String] = []
            for (email, password) in [
                (server.owner.email, "wrong horse battery staple"), ("nobody@acme.test", Self.password),
                (account.email, Self.password), (server.member.email, ""), (server.member.email, Self.password),
            ] where !password.isEmpty {
                try await browser.get("/signin")
                let answer = try await browser.post("/signin", ["email": email, "password": password])
                #expect(answer.status == 401)
                refusals.append(answer.text.replacing(email, with: ""))
                #expect(browser.cookies["__Host-witan_session"] == nil)
            }
            #expect(Set(refusals).count == 1)
            try await browser.get("/signin")
            let answer = try await browser.post(
                "/signin",
                ["email": server.owner.email.uppercased(), "password": Self.password]
            )
            #expect(answer.status == 303)
            #expect(answer.header("location") == "/app")
            let page = try await browser.follow(answer)
            #expect(page.status == 200)
            #expect(page.text.contains("API keys"))
        }
    }

    @Test("a link signs in once, within ten minutes, and a look at it does not use it up")
    func link() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let link = try await server.signIn.makeLink(for: server.owner.id, email: server.owner.email)
            let token = String(link.dropFirst("/signin/link?token=".count))
            let browser = TestBrowser(server)
            for _ in 1...2 {
                let page = try await browser.get(link)
                #expect(page.status == 200)
                #expect(page.text.contains(server.owner.email))
            }
            #expect(try await browser.post("/signin/link", ["token": token]).status == 303)
            let again = TestBrowser(server)
            try await again.get(link)
            #expect(try await again.post("/signin/link", ["token": token]).status == 401)
            #expect(again.cookies["__Host-witan_session"] == nil)

            let late = try await server.signIn.makeLink(for: server.owner.id, email: server.owner.email)
            server.clock.advance(by: .seconds(601))
            #expect(try await again.get(late).status == 401)
            #expect(try await again.get(late + "x").status == 401)
            let session = try server.session(of: server.owner)
            #expect(try await again.get("/signin/link?token=\(session.key)").status == 401)
        }
    }

    @Test("a session ends at once when it is signed out of, and a stolen cookie with it")
    func signOut() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let thief = TestBrowser(server)
            thief.cookies = browser.cookies
            #expect(try await thief.get("/app/~/configuration/org/api-keys").status == 200)
            try await browser.get("/app/~/configuration/org/api-keys")
            let answer = try await browser.post("/signout", [:])
            #expect(answer.header("location") == "/signin")
            #expect(browser.cookies["__Host-witan_session"] == nil)
            let refused = try await thief.get("/app/~/configuration/org/api-keys")
            #expect(refused.status == 303)
            #expect(refused.header("location")?.hasPrefix("/signin") == true)
        }
    }

    @Test("a session ends after twelve hours, with its person's removal, and with a new password")
    func ends() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let page = "/app/~/configuration/org/api-keys"
            let old = try await TestBrowser.signedIn(server.owner, on: server)
            server.clock.advance(by: .seconds(12 * 3_600))
            #expect(try await old.get(page).status == 303)

            let member = try await TestBrowser.signedIn(server.member, on: server)
            #expect(try await member.get(page).status == 200)
            let body: JSONValue = ["remove_users": ["ids": [.string(server.member.id.description)]]]
            let removed = try await server.send(
                .patch,
                "/v1/organization/members",
                as: server.owner,
                body: .json(body)
            )
            #expect(removed.status == 200)
            #expect(try await member.get(page).status == 303)

            let first = try await TestBrowser.signedIn(server.owner, on: server)
            let second = try await TestBrowser.signedIn(server.owner, on: server)
            try await first.get("/app/~/configuration/account")
            let changed = try await first.post(
                "/app/~/configuration/account",
                ["set_password": "1", "new_password": Self.password]
            )
            #expect(changed.status == 303)
            #expect(try await first.get(page).status == 200)
            #expect(try await second.get(page).status == 303)
        }
    }

    @Test("a session is no credential for the API, and a key is none for the pages")
    func places() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let session = browser.cookies["__Host-witan_session"] ?? ""
            #expect(session.hasPrefix("wst-"))
            // Warm, too: the page has put it into the cache.
            try await browser.get("/app/~/configuration/org/api-keys")
            let answer = try await server.send(.get, "/v1/api_key", headers: ["authorization": "Bearer \(session)"])
            #expect(answer.status == 401)
            #expect(try await server.send(.get, "/v1/api_key", as: server.owner).status == 200)
            let other = TestBrowser(server)
            other.cookies["__Host-witan_session"] = server.owner.key
            #expect(try await other.get("/app/~/configuration/org/api-keys").status == 303)
        }
    }

    @Test("whatever cookies a browser has before, a sign-in makes a session with a secret of its own")
    func fixation() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let attacker = try await TestBrowser.signedIn(server.stranger, on: server)
            let fixed = attacker.cookies["__Host-witan_session"] ?? ""
            let link = try await server.signIn.makeLink(for: server.owner.id, email: server.owner.email)
            let victim = TestBrowser(server)
            victim.cookies["__Host-witan_session"] = fixed
            try await victim.get(link)
            let token = String(link.dropFirst("/signin/link?token=".count))
            #expect(try await victim.post("/signin/link", ["token": token]).status == 303)
            #expect(victim.cookies["__Host-witan_session"] != fixed)
            let page = try await attacker.follow(attacker.get("/app"))
            #expect(page.text.contains(server.stranger.email))
        }
    }

    @Test("failed sign-ins are limited for each account and for each address")
    func limits() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            try await Self.setPassword(server)
            let browser = TestBrowser(server)
            var statuses: [Int] = []
            for _ in 1...11 {
                try await browser.get("/signin")
                let answer = try await browser.post(
                    "/signin",
                    ["email": server.owner.email, "password": "wrong wrong wrong"]
                )
                statuses.append(answer.status)
            }
            #expect(statuses == Array(repeating: 401, count: 10) + [429])
            try await browser.get("/signin")
            let right = try await browser.post(
                "/signin",
                ["email": server.owner.email, "password": Self.password]
            )
            #expect(right.status == 429)
            #expect(right.header("retry-after") != nil)
            server.clock.advance(by: .seconds(60))
            try await browser.get("/signin")
            let later = try await browser.post("/signin", ["email": server.owner.email, "password": Self.password])
            #expect(later.status == 303)
        }
    }

    @Test("a failed sign-in asks the database for the same, and writes nothing before the answer, whoever it is for")
    func sameWork() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            try await Self.setPassword(server)
            let robot = try await server.serviceAccount("robot")
            let second = try NewPerson(email: server.owner.email)
            _ = try await server.accounts.add(second, to: "Globex", groups: [])
            func work(_ email: String, _ password: String) async -> [String] {
                await server.database.statements {
                    let origin = RequestOrigin(clientAddress: "192.0.2.1", userAgent: nil, traceID: nil)
                    let failure = await #expect(throws: Failure.self) {
                        try await server.signIn.signIn(email: email, password: password, from: origin)
                    }
                    #expect(failure?.message == Failure.wrongPassword.message)
                }
            }
            let nobodys = await work("nobody@acme.test", "wrong wrong wrong")
            #expect(nobodys.allSatisfy { $0.hasPrefix("SELECT") })
            for email in [server.owner.email, server.member.email, robot.email, "nobody@globex.test"] {
                #expect(await work(email, "wrong wrong wrong") == nobodys)
            }
            #expect(await work(server.owner.email, String(repeating: "x", count: 2_000)) == nobodys)
        }
    }

    @Test("failed sign-ins that cannot be written into the audit log at first are written once, each of them")
    func laterRefusals() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let origin = RequestOrigin(clientAddress: "192.0.2.1", userAgent: nil, traceID: nil)
            for _ in 1...3 {
                await #expect(throws: Failure.self) {
                    try await server.signIn.signIn(email: server.owner.email, password: "wrong", from: origin)
                }
            }
            server.database.isAway = true
            await #expect(throws: Failure.self) { try await server.audit.flushRefusals(in: server.database) }
            server.database.isAway = false
            for _ in 1...2 { try await server.audit.flushRefusals(in: server.database) }
            let rows = try await server.auditRows().filter { $0["outcome"] == "denied" }
            #expect(rows.map { $0["event_type"] } == Array(repeating: "session.created", count: 3))
            #expect(Set(rows.map { $0["object_id"] }) == [.text(server.owner.id.description)])
        }
    }

    /// What makes every link worthless that was made for somebody before.
    enum Ending: CaseIterable, Sendable {
        case ownPassword, passwordByCommand, allSessions, otherSessions, removal

        func happen(to person: TestServer.Person, on server: TestServer) async throws {
            let page = "/app/~/configuration/account"
            switch self {
            case .ownPassword:
                let browser = try await TestBrowser.signedIn(person, on: server)
                try await browser.get(page)
                let fields: KeyValuePairs = ["set_password": "1", "new_password": PageSignInTests.password]
                #expect(try await browser.post(page, fields).status == 303)
            case .passwordByCommand:
                let caller = try await server.accounts.caller(email: person.email)
                try await server.signIn.setPassword(PageSignInTests.password, current: nil, for: caller)
            case .allSessions:
                let caller = try await server.accounts.caller(email: person.email)
                try await server.signIn.end(.allBut(nil), for: caller)
            case .otherSessions:
                let browser = try await TestBrowser.signedIn(person, on: server)
                try await browser.get(page)
                #expect(try await browser.post(page, ["end": "others"]).status == 303)
            case .removal:
                // From one of two: they can still sign in.
                let body: JSONValue = ["remove_users": ["ids": [.string(person.id.description)]]]
                try await server.succeed(.patch, "/v1/organization/members", body)
            }
        }
    }

    @Test(
        "a link from before a person was signed out everywhere does not work, and one from after it does",
        arguments: Ending.allCases
    )
    func oldLink(_ ending: Ending) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let person = server.member
            _ = try await server.accounts.add(NewPerson(email: person.email), to: "Globex", groups: [])
            func signIn(_ link: String) async throws -> Int {
                let browser = TestBrowser(server)
                try await browser.get(link)
                let token = String(link.dropFirst("/signin/link?token=".count))
                return try await browser.post("/signin/link", ["token": token]).status
            }
            // Twice, without the clock's moving: what ends links is what happened, not when.
            for _ in 1...(ending == .removal ? 1 : 2) {
                let old = try await server.signIn.makeLink(for: person.id, email: person.email)
                let others = try await server.signIn.makeLink(for: server.owner.id, email: server.owner.email)
                if ending == .ownPassword, try await server.signIn.hasPassword(person.id) { break }
                try await ending.happen(to: person, on: server)
                #expect(try await signIn(old) == 401)
                #expect(try await signIn(others) == 303)
                let new = try await server.signIn.makeLink(for: person.id, email: person.email)
                #expect(try await signIn(new) == 303)
            }
        }
    }

    @Test("a link stays good when one session of its person ends")
    func keptLink() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let link = try await server.signIn.makeLink(for: server.owner.id, email: server.owner.email)
            try await browser.get("/app/~/configuration/org/api-keys")
            try await browser.post("/signout", [:])
            try await browser.get(link)
            let token = String(link.dropFirst("/signin/link?token=".count))
            #expect(try await browser.post("/signin/link", ["token": token]).status == 303)
        }
    }

    @Test("sign-ins, their failures and their ends stand in the audit log, without any secret")
    func auditLog() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            try await Self.setPassword(server)
            let browser = TestBrowser(server)
            try await browser.get("/signin")
            try await browser.post("/signin", ["email": server.owner.email, "password": "wrong wrong wrong"])
            try await browser.get("/signin")
            let answer = try await browser.post(
                "/signin",
                ["email": server.owner.email, "password": Self.password]
            )
            let secret = browser.cookies["__Host-witan_session"] ?? ""
            _ = try await browser.follow(answer)
            try await browser.post("/signout", [:])
            try await server.audit.flushRefusals(in: server.database)
            let log = try await server.send(
                .get,
                "/v1/organization/audit_logs?org_name=Acme&object_type=session",
                as: server.owner
            )
            let events = log.objects.reversed()
                .map { "\($0["event_type"]?.string ?? "") \($0["outcome"]?.string ?? "")" }
            #expect(events == ["session.created denied", "session.created success", "session.deleted success"])
            #expect(log.objects.last?["actor_id"]?.isNull == true)
            for hidden in [secret, Self.password, "wrong wrong wrong"] {
                #expect(!log.text.contains(hidden))
                #expect(!server.log.text.contains(hidden))
            }
        }
    }

    @Test("after signing in a browser goes on to the page that it asked for, and to no other site")
    func next() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            try await Self.setPassword(server)
            let wanted = "/app/Acme/configuration/org/general"
            for (next, location) in [
                (wanted, wanted), ("https://evil.test/app/", "/app"), ("//evil.test", "/app"),
                ("/app/\\evil", "/app"), ("/app/\r\nSet-Cookie: a=b", "/app"),
            ] {
                let browser = TestBrowser(server)
                try await browser.get("/signin")
                let answer = try await browser.post(
                    "/signin",
                    ["email": server.owner.email, "password": Self.password, "next": next]
                )
                #expect(answer.header("location") == location)
            }
            let sent = try await TestBrowser(server).get(wanted)
            #expect(sent.header("location") == "/signin?next=%2Fapp%2FAcme%2Fconfiguration%2Forg%2Fgeneral")
        }
    }

    @Test("at a provider, too, the page that was asked for is kept, and is no other site's")
    func nextAtProvider() async throws {
        let wanted = "/app/Acme/configuration/org/general"
        var behaviour = IdentityProvider.Behaviour()
        behaviour.claims = { $0.email = "owner@acme.test" }
        try await SignInPlace.run(behaviour) { place in
            var options = TestServer.Options()
            options.openID = place.client
            try await TestServer.run(on: .chosen, options) { server async throws in
                for (next, location) in [
                    (wanted, wanted), (wanted + "?q=a.b.c&sort=-name", wanted + "?q=a.b.c&sort=-name"), ("", "/app"),
                    ("https://evil.test/app/", "/app"), ("//evil.test", "/app"), ("/app/\\evil", "/app"),
                    ("/app/\r\nSet-Cookie: a=b", "/app"), ("/app/" + String(repeating: "a", count: 3_000), "/app"),
                ] {
                    let browser = TestBrowser(server)
                    let form = try await browser.get("/signin" + FormFields.query([("next", next)]))
                    let address = try #require(form.link(to: "/signin/oidc"))
                    #expect(address == "/signin/oidc" + FormFields.query([("next", location == "/app" ? nil : next)]))
                    // Whoever writes the address themselves gets no further.
                    let begun = try await browser.get("/signin/oidc" + FormFields.query([("next", next)]))
                    let back = try place.provider.authorize(try #require(begun.header("location")))
                    let callback = "/signin/oidc/callback" + FormFields.query(back.map { ($0.name, $0.value) })
                    let signedIn = try await browser.get(callback)
                    #expect(signedIn.status == 303 && signedIn.header("location") == location)
                    #expect(browser.cookies["__Host-witan_session"] != nil)
                    #expect(browser.cookies["__Host-witan_openid"] == nil)
                }
                // What the cookie says is looked at like anything that a browser sends.
                let browser = TestBrowser(server)
                let begun = try await browser.get("/signin/oidc")
                let back = try place.provider.authorize(try #require(begun.header("location")))
                let evil = Base64URL.encode(Array("https://evil.test/".utf8))
                browser.cookies["__Host-witan_openid"]? += ".\(evil)"
                let callback = "/signin/oidc/callback" + FormFields.query(back.map { ($0.name, $0.value) })
                #expect(try await browser.get(callback).header("location") == "/app")
                // After a refusal the other ways lead to the page that was asked for.
                try await browser.get("/signin/oidc" + FormFields.query([("next", wanted)]))
                let refused = try await browser.get("/signin/oidc/callback?error=access_denied&state=x")
                #expect(refused.status >= 400 && refused.text.contains("name=\"next\" value=\"\(wanted)\""))
            }
        }
    }

    @Test("a sign-in by a link and one at a provider stand in the audit log with their way, and so do failures")
    func auditLogOfOtherWays() async throws {
        let email = Mutex("owner@acme.test")
        var behaviour = IdentityProvider.Behaviour()
        behaviour.claims = { claims in claims.email = email.withLock(\.self) }
        try await SignInPlace.run(behaviour) { place in
            var options = TestServer.Options()
            options.openID = place.client
            try await TestServer.run(on: .chosen, options) { server async throws in
                let robot = try await server.serviceAccount("robot")
                let link = try await server.signIn.makeLink(for: server.owner.id, email: server.owner.email)
                let token = String(link.dropFirst("/signin/link?token=".count))
                for status in [303, 401] {
                    let browser = TestBrowser(server)
                    try await browser.get(link)
                    #expect(try await browser.post("/signin/link", ["token": token]).status == status)
                }
                // The link of another server, and the one of a person whom nobody knows, are about nobody.
                let browser = TestBrowser(server)
                try await browser.get(link)
                #expect(try await browser.post("/signin/link", ["token": token + "x"]).status == 401)
                for (address, status) in [
                    (server.owner.email, 303), (robot.email, 401), ("nobody@acme.test", 401),
                ] {
                    email.withLock { $0 = address }
                    let browser = TestBrowser(server)
                    let begun = try await browser.get("/signin/oidc")
                    let back = try place.provider.authorize(try #require(begun.header("location")))
                    let callback = "/signin/oidc/callback" + FormFields.query(back.map { ($0.name, $0.value) })
                    #expect(try await browser.get(callback).status == status)
                }
                try await server.audit.flushRefusals(in: server.database)
                let log = try await server.succeed(
                    .get,
                    "/v1/organization/audit_logs?org_name=Acme&object_type=session"
                )
                let events = log.objects.reversed()
                    .map { event in
                        let method = event["details"]?.object?["method"]?.string ?? "?"
                        return "\(event["event_type"]?.string ?? "") \(event["outcome"]?.string ?? "") \(method)"
                    }
                #expect(
                    events == [
                        "session.created success link", "session.created denied link",
                        "session.created success openid", "session.created denied openid",
                    ]
                )
                let denied = log.objects.filter { $0["outcome"] == "denied" }
                #expect(denied.allSatisfy { $0["actor_id"]?.isNull == true })
                #expect(
                    Set(denied.compactMap { $0["object_id"]?.string })
                        == [server.owner.id.description, robot.id.description]
                )
                #expect(!log.text.contains(token) && !server.log.text.contains(token))
            }
        }
    }
}
