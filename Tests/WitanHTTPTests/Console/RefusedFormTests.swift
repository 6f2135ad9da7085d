import HTTPTypes
import Testing
import WitanConsole
import WitanCore
import WitanEngines
import WitanJSON
import WitanResources
import WitanServices
import WitanTesting

/// What the pages answer to forms that are refused (ADR 0018).
@Suite("A form that is refused comes back with its sentence, its status and what was written")
struct RefusedFormTests {
    private static let settings = "/app/Acme/configuration/org/"

    /// A form that is refused with what its fields hold.
    struct Echo: Sendable, CustomTestStringConvertible {
        let path: String
        let fields: @Sendable (_ text: String) -> KeyValuePairs<String, String>

        var testDescription: String { path }

        init(_ path: String, _ fields: @escaping @Sendable (_ text: String) -> KeyValuePairs<String, String>) {
            self.path = path
            self.fields = fields
        }
    }

    private static let echoes = [
        Echo("api-keys?add=1") { ["name": $0, "expiry": $0, "expires_on": $0] },
        Echo("service-tokens?add=1") { ["account": $0, "name": $0, "group": $0, "expires_on": $0] },
        Echo("members?add=1") { ["emails": $0, "group": $0] },
        Echo("groups?add=1") { ["name": $0, "description": $0] },
        Echo("groups?view=roles&add=1") { ["name": $0, "description": $0, "permission": $0] },
        Echo("groups?view=access&add=1") { ["email": $0, "what": $0, "object": $0, "kind": $0] },
        Echo("general") { ["name": $0, "api_url": $0, "proxy_url": $0, "image_rendering_mode": $0] },
        Echo("general") { ["name": $0, "was.name": "Acme", "was.api_url": $0, "realtime_url": $0] },
    ]

    @Test("no page is longer than 60 KiB, whatever was written into its form", arguments: echoes)
    func size(echo: Echo) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            for number in 100...210 { _ = try await server.group(String(repeating: "\"", count: 1_000) + "\(number)") }
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get("/app/Acme/configuration/account")
            // As long as a form of so many fields may be, in characters that a page writes as six.
            let fields = echo.fields(String(repeating: "\"", count: 21_000 / echo.fields("").count))
            let refused = try await browser.post(Self.settings + echo.path, fields)
            #expect(refused.status == 400)
            #expect(refused.isShort, "\(refused.bytes.count)")
        }
    }

    @Test(
        "no page is longer than 60 KiB, whatever is looked for",
        arguments: [
            "api-keys?q=*", "api-keys?q=*&sort=name&add=1", "service-tokens?q=*", "members?q=*",
            "audit-log?actor=*&event=*&object_type=*&outcome=*", "groups?page=*&members=*",
        ]
    )
    func search(address: String) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            for text in ["\"", "\u{1F980}", "a"] {
                let encoded = FormFields.encode(String(repeating: text, count: text == "a" ? 2_000 : 600))
                let page = try await browser.get(Self.settings + address.replacing("*", with: encoded))
                #expect(page.status == 200)
                #expect(page.isShort, "\(page.bytes.count)")
            }
        }
    }

    @Test("a key without a name is refused as a form that is wrong")
    func noName() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.settings + "api-keys?add=1")
            let refused = try await browser.post(Self.settings + "api-keys?add=1", ["name": " ", "expiry": "90"])
            #expect(refused.status == 400)
            #expect(refused.text.contains("id=\"name-error\">Write at least one character."))
            #expect(refused.text.contains("value=\"90\" selected"))
        }
    }

    @Test("the organization's settings are shown again as they were written, beside what is stored")
    func organization() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let page = Self.settings + "general"
            try await browser.get(page)
            for (name, mode, status) in [("", "auto", 400), ("Globex", "blocked", 409), ("Acme", "never", 400)] {
                let refused = try await browser.post(
                    page,
                    [
                        "name": name, "was.name": "Acme", "api_url": "https://typed.test", "was.api_url": "",
                        "is_universal_api": "yes", "was.is_universal_api": "", "image_rendering_mode": mode,
                    ]
                )
                #expect(refused.status == status)
                #expect(refused.text.contains("role=\"alert\""))
                #expect(refused.text.contains("name=\"name\" value=\"\(name)\""))
                #expect(refused.text.contains("value=\"https://typed.test\""))
                #expect(refused.text.contains("value=\"yes\" selected"))
                #expect(refused.text.contains("name=\"was.api_url\" value=\"\""))
                #expect(refused.text.contains("name=\"was.name\" value=\"Acme\""))
                if mode != "never" { #expect(refused.text.contains("value=\"\(mode)\" selected")) }
            }
            let organization = try await server.succeed(.get, "/v1/organization/\(server.acme)")
            #expect(organization["name"] == "Acme" && organization["api_url"] == .null)
        }
    }

    @Test("whoever tries too many current passwords is told when to try again")
    func tooMany() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let caller = try await server.accounts.caller(email: server.owner.email)
            try await server.signIn.setPassword("correct horse battery staple", current: nil, for: caller)
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let page = "/app/Acme/configuration/account"
            try await browser.get(page)
            var last: TestServer.Answer?
            for _ in 1...30 where last?.status != 429 {
                last = try await browser.post(
                    page,
                    ["set_password": "1", "current_password": "wrong", "new_password": "another good password"]
                )
            }
            let refused = try #require(last)
            #expect(refused.status == 429)
            #expect(refused.header("retry-after").flatMap { Int($0) } ?? 0 > 0)
            #expect(refused.text.contains("id=\"password-form\"") && refused.text.contains("role=\"alert\""))
        }
    }
}
