import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanTesting

@Suite("A resource with a natural key and soft deletion, made by its declaration alone")
struct LabelTests {
    @Test("POST of a name that is there returns the object as it is, and says so")
    func createFindsExisting() async throws {
        try await Subject.withServer { server in
            let first = try await post(#"{"name":"auditor","description":"reads"}"#, server)
            #expect(first.header("x-bt-found-existing") == nil)
            let second = try await post(#"{"name":"auditor","description":"writes"}"#, server, as: server.member)
            #expect(second.status == 200)
            #expect(second.header("x-bt-found-existing") == "true")
            #expect(second.text == first.text)
            let elsewhere = try await post(#"{"name":"auditor"}"#, server, as: server.stranger)
            #expect(elsewhere.header("x-bt-found-existing") == nil)
            #expect(elsewhere["id"] != first["id"])
        }
    }

    @Test("many POSTs of one name at once make one object")
    func createOnce() async throws {
        try await Subject.withServer { server in
            let answers = try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
                for _ in 1...20 { group.addTask { try await post(#"{"name":"auditor"}"#, server) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.status == 200 })
            #expect(answers.count { $0.header("x-bt-found-existing") == nil } == 1)
            #expect(Set(answers.map(\.text)).count == 1)
        }
    }

    @Test("PUT makes an object, or gives the one of that name the body's values and nulls for the rest")
    func replace() async throws {
        try await Subject.withServer { server in
            let made = try await put(
                #"{"name":"auditor","description":"reads","mode":"open","settings":{"a":1}}"#,
                server
            )
            #expect(made.status == 200)
            #expect(made.header("x-bt-found-existing") == nil)
            server.clock.advance(by: .seconds(5))
            let replaced = try await put(#"{"name":"auditor","is_public":true}"#, server)
            #expect(replaced.status == 200)
            #expect(replaced.header("x-bt-found-existing") == "true")
            for member in ["id", "org_id", "created"] { #expect(replaced[member] == made[member]) }
            for member in ["description", "settings", "mode", "deleted_at"] { #expect(replaced[member] == .null) }
            #expect(replaced["is_public"] == true)
            let id = try #require(made["id"]?.string)
            #expect(try await server.send(.get, "/v1/label/\(id)", as: server.owner).text == replaced.text)
        }
    }

    @Test("PATCH merges objects deeply and replaces everything else")
    func patch() async throws {
        try await Subject.withServer { server in
            let made = try await post(#"{"name":"auditor","settings":{"a":{"b":1,"c":[1,2]},"d":null}}"#, server)
            let id = try #require(made["id"]?.string)
            let patched = try await server.send(
                .patch,
                "/v1/label/\(id)",
                as: server.owner,
                body: #"{"settings":{"a":{"c":[3],"e":"x"},"f":{}},"description":"d"}"#
            )
            #expect(patched["settings"]?.compact == #"{"a":{"b":1,"c":[3],"e":"x"},"d":null,"f":{}}"#)
            #expect(patched["description"] == "d")
            #expect(patched["name"] == "auditor")
        }
    }

    @Test("PATCH to a name that another object has is 409 and changes nothing")
    func patchConflict() async throws {
        try await Subject.withServer { server in
            _ = try await post(#"{"name":"one"}"#, server)
            let two = try await post(#"{"name":"two"}"#, server)
            let path = "/v1/label/\(try #require(two["id"]?.string))"
            let answer = try await server.send(.patch, path, as: server.owner, body: #"{"name":"one"}"#)
            #expect(answer.status == 409)
            answer.expectError(path: path)
            #expect(try await server.send(.get, path, as: server.owner).text == two.text)
        }
    }

    @Test("a deleted object is gone from every call, and its name can be used again, more than once")
    func softDeletion() async throws {
        try await Subject.withServer { server in
            var ids: Set<String> = []
            for _ in 1...3 {
                let made = try await post(#"{"name":"auditor"}"#, server)
                #expect(made.header("x-bt-found-existing") == nil)
                let id = try #require(made["id"]?.string)
                ids.insert(id)
                let deleted = try await server.send(.delete, "/v1/label/\(id)", as: server.owner)
                #expect(deleted["deleted_at"]?.string == server.clock.now.rfc3339)
                for query in ["", "?ids=\(id)", "?label_name=auditor", "?starting_after=\(id)"] {
                    #expect(try await server.send(.get, "/v1/label\(query)", as: server.owner).ids == [], "\(query)")
                }
                #expect(try await server.send(.get, "/v1/label/\(id)", as: server.owner).status == 403)
                #expect(
                    try await server.send(.patch, "/v1/label/\(id)", as: server.owner, body: #"{"mode":"open"}"#).status
                        == 403
                )
            }
            #expect(ids.count == 3)
            #expect(try await put(#"{"name":"auditor"}"#, server).header("x-bt-found-existing") == nil)
        }
    }

    private func post(
        _ body: TestServer.Body,
        _ server: TestServer,
        as person: TestServer.Person? = nil
    ) async throws -> TestServer.Answer {
        try await server.send(.post, "/v1/label", as: person ?? server.owner, body: body)
    }

    private func put(_ body: TestServer.Body, _ server: TestServer) async throws -> TestServer.Answer {
        try await server.send(.put, "/v1/label", as: server.owner, body: body)
    }
}
