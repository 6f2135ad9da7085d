import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

@Suite("PATCH merges; null keeps, and clears with application/merge-patch+json")
struct MergePatchTests {
    private static let settings: JSONValue = [
        "comparison_key": "input", "disable_realtime_queries": true,
        "default_preprocessor": ["type": "function", "nested": ["a": 1, "b": 2]],
    ]

    /// A project with a description and settings.
    private static func project(on server: TestServer) async throws -> String {
        let project = try await server.make("project", ["name": "p", "description": "old"])
        try await server.succeed(.patch, "/v1/project/\(project)", ["settings": settings])
        return "/v1/project/\(project)"
    }

    private static func patch(
        _ path: String,
        _ body: JSONValue,
        _ mediaType: String,
        on server: TestServer
    ) async throws -> TestServer.Answer {
        try await server.call(.patch, path, body, headers: ["content-type": mediaType])
    }

    @Test(
        "the media type decides, whatever its case and parameters",
        arguments: [
            ("application/merge-patch+json", true), ("Application/Merge-Patch+JSON; charset=utf-8", true),
            ("application/json", false), ("application/json; x=application/merge-patch+json", false), ("", false),
        ]
    )
    func mediaType(mediaType: String, clears: Bool) async throws {
        try await TestServer.run { server in
            let path = try await Self.project(on: server)
            let patched = try await Self.patch(path, ["description": .null, "settings": .null], mediaType, on: server)
            #expect(patched.status == 200)
            #expect(patched["description"] == (clears ? .null : "old"))
            #expect((patched["settings"] == .null) == clears)
            #expect(try await server.succeed(.get, path).text == patched.text)
        }
    }

    @Test("inside of settings null clears or keeps one member, and the rest stays")
    func inside() async throws {
        try await TestServer.run { server in
            let path = try await Self.project(on: server)
            let body: JSONValue = [
                "settings": [
                    "comparison_key": .null, "default_preprocessor": ["nested": ["a": .null, "c": 3]],
                ]
            ]
            let kept = try await Self.patch(path, body, "application/json", on: server)
            #expect(
                kept["settings"] == [
                    "comparison_key": "input", "disable_realtime_queries": true,
                    "default_preprocessor": ["type": "function", "nested": ["a": 1, "b": 2, "c": 3]],
                ]
            )
            let cleared = try await Self.patch(path, body, "application/merge-patch+json", on: server)
            #expect(
                cleared["settings"] == [
                    "disable_realtime_queries": true,
                    "default_preprocessor": ["type": "function", "nested": ["b": 2, "c": 3]],
                ]
            )
            #expect(try await server.succeed(.get, path)["settings"] == cleared["settings"])
            #expect(cleared["description"] == "old")
        }
    }

    @Test("a member that cannot be null is refused with its name, and nothing is changed")
    func notNullable() async throws {
        try await TestServer.run { server in
            let project = try await Self.project(on: server)
            let group = "/v1/group/\(try await server.group("g"))"
            let role = "/v1/role/\(try await server.role("r"))"
            let organization = "/v1/organization/\(server.acme)"
            for path in [project, group, role, organization] {
                let before = try await server.succeed(.get, path).text
                let body: JSONValue = ["name": .null]
                let refused = try await Self.patch(path, body, "application/merge-patch+json", on: server)
                #expect(refused.status == 400, "\(path)")
                #expect(refused.issuePaths == ["name"])
                #expect(try await Self.patch(path, body, "application/json", on: server).text == before)
                #expect(try await server.succeed(.get, path).text == before)
            }
        }
    }

    @Test(
        "every nullable member of an organization, a group and a role can be cleared, and none by plain JSON",
        arguments: ["organization", "group", "role"]
    )
    func clears(noun: String) async throws {
        try await TestServer.run { server in
            let id =
                switch noun {
                case "organization": server.acme
                case "group": try await server.group("g")
                default: try await server.role("r")
                }
            let path = "/v1/\(noun)/\(id)"
            let full: JSONObject =
                noun == "organization"
                ? [
                    "api_url": "https://a.test", "is_universal_api": true, "is_dataplane_private": false,
                    "proxy_url": "https://p.test", "realtime_url": "https://r.test", "image_rendering_mode": "auto",
                ] : ["description": "d"]
            let nulls = full.members.reduce(into: JSONObject()) { $0[$1.name] = .null }
            let filled = try await server.succeed(.patch, path, .object(full))
            for (name, value) in full.members { #expect(filled[name] == value, "\(name)") }
            #expect(try await Self.patch(path, .object(nulls), "application/json", on: server).text == filled.text)
            let cleared = try await Self.patch(path, .object(nulls), "application/merge-patch+json", on: server)
            for (name, _) in full.members { #expect(cleared[name] == .null, "\(name)") }
        }
    }
}
