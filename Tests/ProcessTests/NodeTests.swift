import Foundation
import Testing
import WitanJSON

extension ProcessTests {
    @Suite(.enabled("needs a PostgreSQL server") { PostgresSchema.isAvailable })
    struct NodeTests {
        // MARK: Starting

        @Test(
            "An empty database gets its tables, an organization and a key once, and further nodes join",
            arguments: ["variable", "file"]
        )
        func joining(_ way: String) async throws {
            let folder = try TemporaryFolder()
            try await PostgresSchema.with { schema in
                let file = try folder.write("  \(schema.url)\n", to: "url")
                let environment = way == "file" ? ["WITAN_DATABASE_URL_FILE": file] : schema.environment
                func serve(_ body: (ServerProcess) async throws -> Void) async throws -> ServerProcess.Ended<Void> {
                    try await ServerProcess.run(folder.data, environment: environment, body)
                }
                var later: [ServerProcess.Ended<Void>] = []
                let first = try await serve { first in
                    let key = try first.printedKey()
                    let third = try await serve { second in
                        let made = try await second.client(key: key).createdKey("made by the second")
                        later.append(
                            try await serve { third in
                                for server in [first, second, third] {
                                    for key in [key, made] {
                                        #expect(try await server.client(key: key).loginStatus() == 200)
                                    }
                                    try await Self.expectLiveNodes(3, at: server)
                                }
                                #expect(try await Self.nodes(schema) == 3)
                            }
                        )
                        #expect(try await Self.nodes(schema) == 2, "the third has left no row")
                    }
                    later.append(third)
                }
                #expect(try await Self.nodes(schema) == 0)
                for ended in later + [first] { #expect(ended.end == .code(0)) }
                #expect(later.allSatisfy { $0.printedKey == nil && !$0.output.contains("sk-") })
                #expect(try names(in: folder.data) == ["secrets"])
                #expect(try mode(of: folder.data) == 0o700)
                #expect(try mode(of: "\(folder.data)/secrets") == 0o600)
                #expect(try await schema.query("SELECT COUNT(*) FROM organizations") == "1")
            }
        }

        @Test("Of nodes that start at the same moment on an empty database one founds, and all serve")
        func sameMoment() async throws {
            for _ in 1...3 {
                let folder = try TemporaryFolder()
                try await PostgresSchema.with { schema in
                    let ended = try await Nodes.run(3, folder.data, environment: schema.environment) { servers in
                        let key = try #require(servers.compactMap(\.foundersKey).first)
                        for server in servers {
                            let status = try await server.client(key: key).loginStatus()
                            #expect(status == 200)
                        }
                    }
                    #expect(ended.printedKeys.count == 1)
                    #expect(ended.servers.allSatisfy { $0.end == .code(0) })
                    #expect(try names(in: folder.data) == ["secrets"])
                    #expect(try await schema.query("SELECT COUNT(*) FROM organizations") == "1")
                    #expect(try await schema.query("SELECT COUNT(*) FROM schema_migrations") == Self.steps)
                    #expect(try await Self.nodes(schema) == 0)
                    try await Command.witan(
                        ["audit", "verify", "--data", folder.data],
                        environment: schema.environment
                    )
                    .expectSuccess()
                }
            }
        }

        @Test("Nodes that start at the same moment with one secrets file and folders of their own all serve")
        func handedSecrets() async throws {
            let folder = try TemporaryFolder()
            let made = try TemporaryFolder()
            _ = try await made.initialize()
            let secrets = made.path("data/secrets")
            try await PostgresSchema.with { schema in
                let folders = (1...3).map { folder.path("\($0)") }
                let ended = try await Nodes.run(folders, ["--secrets", secrets], environment: schema.environment) {
                    servers in
                    let key = try #require(servers.compactMap(\.foundersKey).first)
                    for server in servers {
                        let status = try await server.client(key: key).loginStatus()
                        #expect(status == 200)
                    }
                }
                #expect(ended.printedKeys.count == 1)
                #expect(ended.servers.allSatisfy { $0.end == .code(0) })
            }
            #expect(try names(in: folder.path).isEmpty, "no folder is made that nothing goes into")
        }

        @Test("Of two processes that make the secrets of a shared folder, both use those that stay")
        func sharedSecrets() async throws {
            for _ in 1...3 {
                let folder = try TemporaryFolder()
                try await PostgresSchema.with { schema in
                    let keys = try await withThrowingTaskGroup(of: String?.self) { group in
                        for number in 1...8 {
                            group.addTask {
                                let arguments = ["init", "--organization", "\(number)", "--email", "ada@example.com"]
                                let made = try await Command.witan(
                                    arguments + ["--json", "--data", folder.data],
                                    environment: schema.environment
                                )
                                return try made.json()["api_key"]?.object?["key"]?.string
                            }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }.compactMap { $0 }
                    }
                    #expect(keys.count == 8)
                    #expect(try names(in: folder.data) == ["secrets"])
                    try await ServerProcess.run(folder.data, environment: schema.environment) { server in
                        for key in keys {
                            let status = try await server.client(key: key).loginStatus()
                            #expect(status == 200)
                        }
                    }
                }
            }
        }

        // MARK: Ending

        @Test("A node that cannot listen, or whose requests take too long to end, leaves no row either")
        func leaving() async throws {
            let folder = try TemporaryFolder()
            try await PostgresSchema.with { schema in
                let drain = ["--drain-timeout", "200ms"]
                let ended = try await ServerProcess.run(folder.data, drain, environment: schema.environment) { server in
                    try await Command.witan(
                        ["serve", "--data", folder.data, "--port", "\(server.port)"],
                        environment: schema.environment
                    )
                    .expectRefusal("127.0.0.1:\(server.port)", "--port")
                    #expect(try await Self.nodes(schema) == 1)
                    try await server.terminateDuringRequest()
                }
                #expect(ended.end == .code(0))
                #expect(ended.log.contains("cut off"))
                #expect(try await Self.nodes(schema) == 0)
            }
        }

        @Test("A change waits about a second for a node that was killed, whose row goes away then")
        func killedNode() async throws {
            let folder = try TemporaryFolder()
            try await PostgresSchema.with { schema in
                try await Nodes.run(2, folder.data, environment: schema.environment) { servers in
                    let key = try #require(servers.compactMap(\.foundersKey).first)
                    try servers[1].kill()
                    let made = try await servers[0].client(key: key).create("to revoke")
                    let id = try #require(try made["id"]?.string)
                    let answer = try await servers[0].client(key: key).send("DELETE", "/v1/api_key/\(id)")
                    #expect(answer.status == 200)
                    let waited = try await servers[0].client(key: "").send("GET", "/metrics").text
                        .split(separator: "\n")
                        .first { $0.hasPrefix("witan_cluster_wait_seconds_sum ") }
                        .flatMap { Double($0.split(separator: " ")[1]) }
                    // It sees the end of the dead node's lease, which was asked for before the deletion.
                    #expect(try #require(waited) >= 0.9)
                    try await eventually("the end of its row") { try await Self.nodes(schema) == 1 }
                }
            }
        }

        // MARK: Helpers

        /// How many steps the schema has.
        private static let steps = "7"

        private static func nodes(_ schema: PostgresSchema) async throws -> Int? {
            Int(try await schema.query("SELECT COUNT(*) FROM cluster_nodes"))
        }

        private static func expectLiveNodes(_ count: Int, at server: ServerProcess) async throws {
            try await eventually("a count of \(count)") {
                try await server.client(key: "").send("GET", "/metrics").text
                    .contains("\nwitan_cluster_live_nodes \(count)\n")
            }
        }
    }
}
