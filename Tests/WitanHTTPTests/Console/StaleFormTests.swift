import HTTPTypes
import Testing
import WitanCore
import WitanEngines
import WitanJSON
import WitanResources
import WitanServices
import WitanTesting

/// Forms that were open while somebody else changed what they show (ADR 0018).
@Suite("A form changes what its sender changed in it, and undoes nothing that others did meanwhile")
struct StaleFormTests {
    private static let settings = "/app/Acme/configuration/org/"

    @Test("a member's groups: one that was taken away stays so, and one that the form did not show is kept")
    func groups() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let owners = try await server.builtIn(.owners)
            let engineers = try await server.builtIn(.engineers)
            let viewers = try await server.builtIn(.viewers)
            let member = JSONValue.string(server.member.id.description)
            let path = Self.settings + "members?edit=\(server.member.id)"
            let holds = { (group: String) in
                try await server.succeed(.get, "/v1/group/\(group)")["member_users"]?.array?.contains(member) == true
            }
            let change = { (group: String, list: String) in
                try await server.succeed(.patch, "/v1/group/\(group)", .object([list: [member]]))
            }
            _ = try await change(owners, "add_member_users")
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let form = try await browser.get(path)
            for group in [owners, engineers] { #expect(form.showed("group", group)) }
            #expect(!form.showed("group", viewers))

            _ = try await change(owners, "remove_member_users")
            let later = try await server.group("later", users: [server.member])
            let saved = try await browser.post(
                path,
                ["group": owners, "was.group": owners, "was.group": engineers, "group": viewers]
            )
            #expect(saved.status == 303)
            #expect(try await !holds(owners))
            #expect(try await !holds(engineers))
            #expect(try await holds(viewers))
            #expect(try await holds(later))
        }
    }

    @Test("a role: a permission that was taken from it stays so, and a name that others gave it is kept")
    func role() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let role = try await server.role("shipper", [.read, .delete])
            let path = Self.settings + "groups?view=roles&edit=\(role)"
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let form = try await browser.get(path)
            for (name, value) in [
                ("permission", "read:"), ("permission", "delete:"), ("name", "shipper"), ("description", ""),
            ] {
                #expect(form.showed(name, value), "\(name)")
            }
            #expect(!form.showed("permission", "update:"))
            let revocation: JSONValue = [
                "name": "sailor",
                "remove_member_permissions": [["permission": "delete", "restrict_object_type": .null]],
            ]
            try await server.succeed(.patch, "/v1/role/\(role)", revocation)
            let saved = try await browser.post(
                path,
                [
                    "name": "shipper", "was.name": "shipper", "description": "ships", "was.description": "",
                    "permission": "read:", "was.permission": "read:", "permission": "delete:",
                    "was.permission": "delete:", "permission": "update:project",
                ]
            )
            #expect(saved.status == 303)
            let changed = try await server.succeed(.get, "/v1/role/\(role)")
            #expect(changed["name"] == "sailor" && changed["description"] == "ships")
            let permissions =
                changed["member_permissions"]?.array?.compactMap { $0.object?["permission"]?.string } ?? []
            #expect(Set(permissions) == ["read", "update"])
        }
    }

    @Test("a role's form that was refused still says what it showed at first")
    func refusedRole() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let role = try await server.role("shipper", [.read, .delete])
            _ = try await server.role("taken")
            let path = Self.settings + "groups?view=roles&edit=\(role)"
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(path)
            let refused = try await browser.post(
                path,
                [
                    "name": "taken", "was.name": "shipper", "description": "new", "was.description": "",
                    "permission": "update:", "was.permission": "read:", "was.permission": "delete:",
                ]
            )
            #expect(refused.status == 409)
            #expect(refused.text.contains("value=\"taken\"") && refused.showed("name", "shipper"))
            #expect(refused.text.contains("value=\"new\"") && refused.showed("description", ""))
            for value in ["read:", "delete:"] { #expect(refused.showed("permission", value)) }
            #expect(!refused.showed("permission", "update:"))
            #expect(refused.text.contains("value=\"update:\" aria-labelledby=\"c-update l-\" checked"))
        }
    }

    @Test("a group: its name is not set back by whoever describes it, and a long description is not cut by a look")
    func group() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let long = String(repeating: "\"", count: 4_096)
            let group = try await server.make("group", ["name": "one", "description": .string(long)])
            let path = Self.settings + "groups?edit=\(group)"
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let form = try await browser.get(path)
            #expect(form.showed("name", "one") && form.isShort)
            let shown = String(repeating: "\"", count: 1_365) + "…"
            #expect(form.showed("description", shown))
            try await server.succeed(.patch, "/v1/group/\(group)", ["name": "two"])
            let fields: KeyValuePairs = [
                "name": "three", "was.name": "one", "description": shown, "was.description": shown,
            ]
            #expect(try await browser.post(path, fields).status == 303)
            let renamed = try await server.succeed(.get, "/v1/group/\(group)")
            #expect(renamed["name"] == "three" && renamed["description"] == .string(long))
            let other: KeyValuePairs = [
                "name": "one", "was.name": "one", "description": "short", "was.description": shown,
            ]
            #expect(try await browser.post(path, other).status == 303)
            let described = try await server.succeed(.get, "/v1/group/\(group)")
            #expect(described["name"] == "three" && described["description"] == "short")
        }
    }

    @Test("a text of several lines, which a browser's field makes one of, is changed by nobody who leaves it so")
    func lines() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let group = try await server.make("group", ["name": "one", "description": "first\nsecond"])
            let path = Self.settings + "groups?edit=\(group)"
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(path)
            let fields: KeyValuePairs = [
                "name": "two", "was.name": "one", "description": "firstsecond", "was.description": "first\r\nsecond",
            ]
            #expect(try await browser.post(path, fields).status == 303)
            let saved = try await server.succeed(.get, "/v1/group/\(group)")
            #expect(saved["name"] == "two" && saved["description"] == "first\nsecond")
        }
    }

    @Test("the organization: a setting that somebody else has made is not unmade by whoever changes another")
    func organization() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let path = Self.settings + "general"
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let form = try await browser.get(path)
            for field in OrganizationResource.resource.fields where field.isWritable(by: .patch) {
                #expect(form.showed(field.name, field.name == "name" ? "Acme" : ""), "\(field.name)")
            }
            let organization = "/v1/organization/\(server.acme)"
            try await server.succeed(
                .patch,
                organization,
                ["proxy_url": "https://proxy.test", "is_universal_api": true, "image_rendering_mode": "blocked"]
            )
            let saved = try await browser.post(
                path,
                [
                    "name": "Acme", "was.name": "Acme", "api_url": "https://data.test", "was.api_url": "",
                    "proxy_url": "", "was.proxy_url": "", "realtime_url": "", "was.realtime_url": "",
                    "is_universal_api": "", "was.is_universal_api": "", "is_dataplane_private": "no",
                    "was.is_dataplane_private": "", "image_rendering_mode": "", "was.image_rendering_mode": "",
                ]
            )
            #expect(saved.status == 303)
            let changed = try await server.succeed(.get, organization)
            #expect(changed["api_url"] == "https://data.test" && changed["is_dataplane_private"] == false)
            #expect(changed["proxy_url"] == "https://proxy.test" && changed["is_universal_api"] == true)
            #expect(changed["image_rendering_mode"] == "blocked" && changed["realtime_url"] == .null)
        }
    }
}

extension TestServer.Answer {
    /// Whether a page's form says that a field held a value when it was opened.
    fileprivate func showed(_ name: String, _ value: String) -> Bool {
        text.contains("name=\"was.\(name)\" value=\"\(value.replacing("\"", with: "&quot;"))\"")
    }
}
