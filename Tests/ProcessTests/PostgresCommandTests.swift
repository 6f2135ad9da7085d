import Foundation
import Testing
import WitanJSON

extension ProcessTests {
    /// Commands beside nodes that run.
    @Suite(.enabled("needs a PostgreSQL server") { PostgresSchema.isAvailable })
    struct PostgresCommandTests {
        @Test("Commands work beside running nodes")
        func besideNodes() async throws {
            try await Self.withNodes(2) { place, nodes, key in
                let kept = try await place.run("keys", "create", "--name", "ci", "--email", "ada@example.com")
                kept.expectSuccess()
                let secret = kept.output.trimmingCharacters(in: .newlines)
                for node in nodes { #expect(try await node.client(key: secret).loginStatus() == 200) }
                for words in [
                    ["keys", "list"], ["users", "list"], ["organizations", "list"], ["members", "list"],
                    ["users", "create", "--email", "bob@example.com", "--organization", "Acme"],
                    ["groups", "create", "Interns"], ["groups", "add", "Interns", "bob@example.com"],
                    ["roles", "create", "Reviewer", "read"], ["roles", "allow", "Reviewer", "update"],
                    ["grants", "give", "--role", "Reviewer", "--to", "group:Interns", "--on", "organization:Acme"],
                    ["grants", "list"], ["service-accounts", "create", "robot"], ["service-accounts", "list"],
                    ["explain", "bob@example.com", "read", "organization:Acme"], ["audit", "list"],
                ] {
                    try await place.run(words).expectSuccess()
                }
                // These take the data's options and no others.
                for words in [
                    ["audit", "verify"], ["doctor"], ["peppers", "list"], ["peppers", "rotate"], ["migrate"],
                ] {
                    try await place.run(words).expectSuccess()
                }
                let token = try await place.run("users", "token", "ada@example.com")
                token.expectSuccess()
                let jwt = token.output.trimmingCharacters(in: .newlines)
                for node in nodes {
                    #expect(try await node.client(key: jwt).loginStatus() == 200)
                    #expect(try await node.client(key: key).loginStatus() == 200)
                }
                let backup = try TemporaryFolder()
                try await place.run("backup", backup.path("copy.db")).expectRefusal("pg_dump", "docs/operating.md")
                #expect(try names(in: backup.path).isEmpty)
            }
        }

        @Test("What a command takes away is refused by every node when the command has ended")
        func removals() async throws {
            try await Self.withNodes(3) { place, nodes, key in
                for round in 1...3 {
                    let made = try await nodes[round % 3].client(key: key).create("to revoke")
                    let (id, secret) = (try #require(try made["id"]?.string), try #require(try made["key"]?.string))
                    try await Self.expect(200, nodes, secret, "GET", "/v1/api_key/\(id)")
                    try await place.run("keys", "revoke", id).expectSuccess()
                    try await Self.expect(401, nodes, secret, "GET", "/v1/api_key/\(id)")
                }

                // Somebody who may read a project by a group, and then does not, and then is no member at all.
                let project = try await nodes[0].client(key: key)
                    .send("POST", "/v1/project", body: ["name": "Support"])
                let path = "/v1/project/\(try #require(try project["id"]?.string))"
                let people = ["--email", "bob@example.com", "--organization", "Acme"]
                try await place.run(["users", "create"] + people).expectSuccess()
                try await place.run("groups", "add", "Engineers", "bob@example.com").expectSuccess()
                try await place.run("groups", "remove", "Viewers", "bob@example.com").expectSuccess()
                let bob = try await place.run("keys", "create", "--name", "bob", "--email", "bob@example.com").output
                    .trimmingCharacters(in: .newlines)
                try await Self.expect(200, nodes, bob, "GET", path)
                try await place.run("groups", "remove", "Engineers", "bob@example.com").expectSuccess()
                for node in nodes {
                    let status = try await node.client(key: bob).send("GET", path).status
                    #expect(status == 403 || status == 404)
                }
                try await place.run("groups", "add", "Engineers", "bob@example.com").expectSuccess()
                try await Self.expect(200, nodes, bob, "GET", path)
                try await place.run("members", "remove", "bob@example.com").expectSuccess()
                try await Self.expect(401, nodes, bob, "GET", path)

                let account = ["service-accounts", "create", "ci", "--group", "Engineers", "--token", "deploy"]
                let token = try await place.run(account).output.trimmingCharacters(in: .newlines)
                try await Self.expect(200, nodes, token, "GET", path)
                try await place.run("service-accounts", "delete", "ci").expectSuccess()
                try await Self.expect(401, nodes, token, "GET", path)
            }
        }

        @Test("Of `witan peppers rotate` by several at once one adds a pepper, and the secrets fit the database")
        func rotatingAtOnce() async throws {
            let folder = try TemporaryFolder()
            try await PostgresSchema.with { schema in
                let place = Place(arguments: ["--data", folder.data], environment: schema.environment)
                let key = try await Self.initialize(place)
                let ends = try await withThrowingTaskGroup(of: Command.self) { group in
                    for _ in 1...4 { group.addTask { try await place.run("peppers", "rotate") } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let added = ends.count(where: \.isSuccess)
                #expect(added >= 1)
                for refused in ends where !refused.isSuccess { refused.expectRefusal() }
                #expect(try names(in: folder.data) == ["secrets"])
                let listed = try await place.run("peppers", "list")
                listed.expectSuccess()
                #expect(listed.output.split(separator: "\n").count == 1 + added, "\(listed.output)")
                #expect(!listed.output.contains("not in the secrets"), "\(listed.output)")
                try await ServerProcess.run(folder.data, environment: schema.environment) { server in
                    let status = try await server.client(key: key).loginStatus()
                    #expect(status == 200)
                }
            }
        }

        // MARK: Helpers

        /// Makes Acme with its owner Ada and runs nodes on it; the closure gets Ada's key.
        private static func withNodes(
            _ count: Int,
            _ body: (Place, [ServerProcess], String) async throws -> Void
        ) async throws {
            let folder = try TemporaryFolder()
            try await PostgresSchema.with { schema in
                let place = Place(arguments: ["--data", folder.data], environment: schema.environment)
                let key = try await initialize(place)
                let ended = try await Nodes.run(count, folder.data, environment: schema.environment) { nodes in
                    try await body(place, nodes, key)
                }
                #expect(ended.servers.allSatisfy { $0.end == .code(0) })
                try await place.run("audit", "verify").expectSuccess()
            }
        }

        private static func initialize(_ place: Place) async throws -> String {
            let made = try await place.run("init", "--organization", "Acme", "--email", "ada@example.com", "--json")
            return try #require(try made.json()["api_key"]?.object?["key"]?.string)
        }

        private static func expect(
            _ status: Int,
            _ nodes: [ServerProcess],
            _ key: String,
            _ method: String,
            _ path: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            for node in nodes {
                let answer = try await node.client(key: key).send(method, path)
                #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
            }
        }
    }
}
