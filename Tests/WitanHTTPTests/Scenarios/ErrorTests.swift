import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanTesting

@Suite("Errors have one form")
struct ErrorTests {
    @Test(
        "an error is text where Accept prefers it, with the same sentence, and JSON otherwise",
        arguments: [
            (nil, false), ("*/*", false), ("application/json", false), ("text/plain", true), ("text/*", true),
            ("TEXT/PLAIN", true), ("text/plain, application/json", false), ("application/json;q=0.5, text/plain", true),
            ("text/plain;q=0.5, application/json", false), ("text/html, */*;q=0.8", false),
            ("text/plain, */*;q=0.1", true),
            ("text/plain;q=0", false), ("*/*;q=0.9, application/json;q=0.1", true),
            ("application/*;q=0.2,text/*;q=0.3", true),
            ("nonsense", false), ("", false), ("text/plain;q=x", false), (";;;,,,/", false),
        ] as [(String?, Bool)]
    )
    func mediaTypes(_ accept: String?, _ isText: Bool) async throws {
        try await TestServer.run { server in
            let sentence = "name is required and must be a text of 1 to 1024 characters."
            let answer = try await server.send(
                .post,
                "/v1/api_key",
                as: server.owner,
                headers: accept.map { ["accept": $0] } ?? [:],
                body: "{}"
            )
            #expect(answer.status == 400)
            answer.expectError(path: "/v1/api_key")
            #expect(answer.header("content-type") == "\(isText ? "text/plain" : "application/json"); charset=utf-8")
            #expect((isText ? answer.text : answer["Message"]?.string) == sentence)
        }
    }

    @Test("`Issues` gives each member at fault its path and sentence")
    func issues() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.post, "/v1/api_key", as: server.owner, body: #"{"name":7}"#)
            let message = "must be a text of 1 to 1024 characters, but is a number"
            #expect(answer["Issues"]?.compact == #"[{"path":["name"],"message":"\#(message)"}]"#)
            #expect(answer["Message"]?.string == "name \(message).")
            #expect(try await server.send(.get, "/v1/api_key/x", as: server.owner)["Issues"] != nil)
            #expect(try await server.send(.get, "/nowhere")["Issues"] == nil)
        }
    }

    @Test("every answer carries a trace id of its own, and the caller's when there is a valid traceparent")
    func traceIDs() async throws {
        try await TestServer.run { server in
            let traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
            var seen: Set<String> = []
            for path in ["/version", "/nowhere", "/v1/api_key", "/v1/api_key/x", "/openapi.json"] {
                let own = try await server.send(.get, path, as: server.owner)
                let id = try #require(own.header("x-bt-internal-trace-id"))
                #expect(id.count == 32 && id.allSatisfy { "0123456789abcdef".contains($0) })
                #expect(seen.insert(id).inserted)
                let parent = "00-\(traceID)-00f067aa0ba902b7-01"
                let traced = try await server.send(.get, path, as: server.owner, headers: ["traceparent": parent])
                #expect(traced.header("x-bt-internal-trace-id") == traceID)
                if traced.status >= 400 { #expect(traced["InternalTraceId"]?.string == traceID) }
                let line = try #require(try server.log.lines().last { $0["path"]?.string == path })
                #expect(line["trace_id"]?.string == traceID)
            }
            for parent in [
                "", "00-\(traceID)", "00-\(traceID)-0000000000000000-01", "ff-\(traceID)-00f067aa0ba902b7-01",
            ] {
                let answer = try await server.send(.get, "/version", headers: ["traceparent": parent])
                #expect(answer.header("x-bt-internal-trace-id") != traceID, "\(parent)")
            }
        }
    }

    @Test("each request leaves one line in the log, with route and caller, without query")
    func accessLog() async throws {
        try await TestServer.run { server in
            let before = try server.log.lines().count
            let path = "/v1/api_key/\(server.owner.keyID)"
            _ = try await server.send(
                .get,
                "\(path)?secret=canary",
                as: server.owner,
                headers: ["user-agent": "test/1"]
            )
            _ = try await server.send(.get, "/nowhere/at/all")
            let lines = Array(try server.log.lines()[before...])
            #expect(lines.count == 2)
            let first = try #require(lines.first)
            #expect(first["method"] == "GET")
            #expect(first["path"]?.string == path)
            #expect(first["route"] == "/v1/api_key/{api_key_id}")
            #expect(first["status"] == 200)
            #expect(first["caller_id"]?.string == server.owner.id.description)
            #expect(first["caller_kind"] == "api_key")
            #expect(first["organization_id"]?.string == server.owner.organizationID.description)
            #expect(first["user_agent"] == "test/1")
            #expect(first["failure"] == nil)
            #expect(!first.compact.contains("canary"))
            #expect(lines[1]["route"] == "unmatched")
            #expect(lines[1]["failure"] == "notFound")
            #expect(lines[1]["caller_id"] == nil)
        }
    }
}
