import HTTPTypes
import Testing
import WitanCore
import WitanEngines
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

/// The page of service tokens (ADR 0018).
@Suite("The page of service tokens makes, shows and deletes them")
struct ServiceTokensPageTests {
    private static let page = "/app/Acme/configuration/org/service-tokens"

    private static func status(of token: String, _ server: TestServer) async throws -> Int {
        try await server.send(.get, "/v1/service_token", headers: ["authorization": "Bearer \(token)"]).status
    }

    @Test("a token is made with its service account, shown once, works, is listed, deleted, and refused")
    func life() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let engineers = try await server.builtIn(.engineers)
            #expect(try await browser.get(Self.page).text.contains("No service tokens yet"))
            #expect(try await browser.get(Self.page + "?add=1").text.contains("<dialog"))
            let made = try await browser.post(
                Self.page + "?add=1",
                ["account": "deploy bot", "name": "main", "group": engineers, "expiry": "never"]
            )
            #expect(made.status == 200)
            #expect(made.header("cache-control") == "no-store")
            let token = made.revealedSecret
            #expect(token.hasPrefix("bt-st-"))
            #expect(try await Self.status(of: token, server) == 200)
            let bearer: KeyValuePairs = ["authorization": "Bearer \(token)"]
            // It acts with the permissions of its group.
            let project = try await server.send(.post, "/v1/project", headers: bearer, body: .json(["name": "p"]))
            #expect(project.status == 200)

            let again = try await browser.post(
                Self.page + "?add=1",
                ["account": "deploy bot", "name": "second", "expiry": "never"]
            )
            #expect(again.revealedSecret.hasPrefix("bt-st-"))
            let list = try await browser.get(Self.page)
            #expect(list.text.contains("deploy bot") && !list.text.contains(token))
            #expect(list.rowIDs.count == 2)
            #expect(try await browser.get(Self.page + "?q=SECOND").rowIDs.count == 1)
            for sort in ["account", "-name", "created", "expires", "used"] {
                #expect(try await browser.get(Self.page + "?sort=\(sort)").rowIDs.count == 2)
            }
            let selected = list.rowIDs.map { "&selected=\($0)" }.joined()
            let dialog = try await browser.get(Self.page + "?delete=selected\(selected)")
            #expect(dialog.text.contains("<bdi>main</bdi>") && dialog.text.contains("<bdi>second</bdi>"))
            #expect(try await Self.status(of: token, server) == 200)
            let deleted = try await browser.post(
                Self.page + "?delete=selected",
                ["selected": list.rowIDs[0], "selected": list.rowIDs[1]]
            )
            #expect(try await browser.follow(deleted).text.contains("2 tokens were deleted."))
            #expect(try await Self.status(of: token, server) == 401)
            #expect(try await browser.get(Self.page + "?delete=selected").text.contains("Choose at least one"))
        }
    }

    @Test("a token expires when it was chosen to, and a wrong form is shown again with what was written")
    func form() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.page + "?add=1")
            let made = try await browser.post(
                Self.page + "?add=1",
                ["account": "bot", "name": "short", "expiry": "30"]
            )
            let token = made.revealedSecret
            server.clock.advance(by: .seconds(30 * 86_400 - 1))
            #expect(try await Self.status(of: token, server) == 200)
            server.clock.advance(by: .seconds(1))
            #expect(try await Self.status(of: token, server) == 401)
            let later = try await TestBrowser.signedIn(server.owner, on: server)
            #expect(try await later.get(Self.page).text.contains("expired"))
            for (fields, status, sentence) in [
                (["account": "bot", "name": "short"], 409, "token of that name already"),
                (["account": " ", "name": "t"], 400, "name of the service account"),
                (["account": "new bot", "name": ""], 400, "name for the token"),
                (
                    ["account": "new bot", "name": "t", "expiry": "date", "expires_on": "2000-01-01"], 400,
                    "after today"
                ),
                (["account": "new bot", "name": "t", "group": "nonsense"], 400, "group"),
            ] as [(KeyValuePairs<String, String>, Int, String)] {
                let refused = try await later.post(Self.page + "?add=1", fields)
                #expect(refused.status == status)
                #expect(refused.text.contains("<dialog") && refused.text.contains(sentence))
                #expect(refused.revealedSecret.isEmpty)
            }
            #expect(try await !server.succeed(.get, "/v1/user").text.contains("new bot"))
            let forged = try await later.post(Self.page + "?add=1", ["account": "new bot", "name": "t"], token: "")
            #expect(forged.status == 403 && forged.revealedSecret.isEmpty)
        }
    }

    @Test("where only service tokens make service tokens, the page offers nobody to make one, and says so to who tries")
    func policy() async throws {
        var options = TestServer.Options()
        options.tokenMinting = .serviceTokens
        try await TestServer.run(on: .chosen, options) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            for query in ["", "?add=1"] {
                let page = try await browser.get(Self.page + query)
                #expect(page.status == 200)
                #expect(!page.text.contains("id=\"add\"") && !page.text.contains("<dialog"))
            }
            let offered = try await server.auditRows()
            #expect(!offered.contains { $0["outcome"] == "denied" })
            let refused = try await browser.post(Self.page + "?add=1", ["account": "bot", "name": "t"])
            #expect(refused.status == 403 && !refused.text.contains("<dialog"))
            #expect(refused.text.contains("Only a service token can create service tokens on this server."))
        }
    }

    @Test("an engineer has no such page, and makes and deletes no token when they try")
    func engineer() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let robot = try await server.serviceAccount("robot", groups: ["Engineers"])
            let browser = try await TestBrowser.signedIn(server.member, on: server)
            let keys = try await browser.get("/app/Acme/configuration/org/api-keys")
            #expect(!keys.text.contains("service-tokens"))
            #expect(try await browser.get(Self.page).status == 403)
            try await browser.get("/app/Acme/configuration/org/api-keys")
            let made = try await browser.post(Self.page + "?add=1", ["account": "robot", "name": "mine"])
            #expect(made.status == 403 && made.revealedSecret.isEmpty)
            try await browser.get("/app/Acme/configuration/org/api-keys")
            let deleted = try await browser.post(
                Self.page + "?delete=selected",
                ["selected": robot.keyID.description]
            )
            #expect(deleted.status == 403)
            #expect(try await Self.status(of: robot.key, server) == 200)
        }
    }

    @Test("a hostile name is text and nothing else", arguments: hostileNames)
    func hostile(name: String) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.page + "?add=1")
            let made = try await browser.post(Self.page + "?add=1", ["account": name, "name": name])
            #expect(!made.revealedSecret.isEmpty && !made.isTainted && made.isShort)
            let id = try #require(try await browser.get(Self.page).rowIDs.first)
            for query in ["", "?add=1", "?delete=\(id)"] {
                let page = try await browser.get(Self.page + query)
                #expect(page.status == 200)
                #expect(!page.isTainted && page.isShort)
            }
        }
    }

    @Test("no page is longer than 60 KiB, however many tokens with however long names there are")
    func size() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let name = String(repeating: "&\"<", count: 340)
            for number in 100...210 { _ = try await server.group("\(name)\(number)") }
            let accounts: [JSONValue] = (100...210)
                .map { ["name": .string("\(name)\($0)"), "token_name": .string(name)] }
            try await server.succeed(
                .patch,
                "/v1/organization/members",
                ["invite_users": ["service_accounts": .array(accounts)]]
            )
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let list = try await browser.get(Self.page)
            #expect(list.isShort, "\(list.bytes.count)")
            var seen = list.rowIDs
            var query = list.pageLink("next")
            while let next = query {
                let page = try await browser.get(Self.page + next)
                seen += page.rowIDs
                query = page.pageLink("next")
            }
            #expect(Set(seen).count == 111 && seen.count == 111)
            let selected = list.rowIDs.map { "&selected=\($0)" }.joined()
            for query in ["?add=1", "?delete=selected\(selected)"] {
                let page = try await browser.get(Self.page + query)
                #expect(page.isShort, "\(page.bytes.count)")
                #expect(page.text.contains("<dialog"))
            }
        }
    }
}
