import Foundation
import Testing

/// What takes its time and no work: these run beside the others.
@Suite(.enabled("needs a PostgreSQL server") { PostgresSchema.isAvailable }, .timeLimit(.minutes(10)))
struct WaitingTests {
    @Test("The row of a node that was killed goes away, also when no change waits for it")
    func killedNode() async throws {
        let folder = try TemporaryFolder()
        try await PostgresSchema.with { schema in
            try await Nodes.run(3, folder.data, environment: schema.environment) { servers in
                try servers[1].kill()
                try servers[2].kill()
                try await eventually("the end of their rows") {
                    try await schema.query("SELECT COUNT(*) FROM cluster_nodes") == "1"
                }
                let client = servers[0].client(key: try #require(servers.compactMap(\.foundersKey).first))
                try await eventually("a count of one") {
                    try await client.send("GET", "/metrics").text.contains("\nwitan_cluster_live_nodes 1\n")
                }
                #expect(try await client.loginStatus() == 200)
            }
        }
    }

    @Test("SIGTERM ends a node while its database hangs, and the exit code is still 0")
    func hangingDatabase() async throws {
        let folder = try TemporaryFolder()
        try await PostgresServer.with { postgres in
            let ended = try await ServerProcess.run(folder.data, environment: postgres.environment) { server in
                try await server.refuseSomething()
                let key = try server.printedKey()
                try await postgres.whilePaused {
                    try await eventually("a node that knows") {
                        try await server.client(key: key).send("GET", "/v1/api_key").status == 503
                    }
                    let begin = ContinuousClock.now
                    try server.terminate()
                    try await server.waitForEnd()
                    print("While its database hung, the node ended within \(ContinuousClock.now - begin).")
                    #expect(ContinuousClock.now - begin < .seconds(60))
                }
            }
            #expect(ended.end == .code(0))
            #expect(ended.log.contains("Stopped."))
            #expect(!ended.log.contains("cut off"))
        }
    }
}
