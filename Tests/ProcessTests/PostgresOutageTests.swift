import Foundation
import Testing
import WitanJSON

extension ProcessTests {
    /// What becomes of nodes whose PostgreSQL is stopped, killed, paused, or refuses them.
    @Suite(.enabled("needs a PostgreSQL server") { PostgresSchema.isAvailable })
    struct PostgresOutageTests {
        @Test(
            "While the database is away every request is answered 503, and no key good or bad but by what it was",
            arguments: ["fast", "immediate"]
        )
        func outage(mode: String) async throws {
            let folder = try TemporaryFolder()
            try await PostgresServer.with { postgres in
                let ended = try await ServerProcess.run(folder.data, environment: postgres.environment) { server in
                    let key = try server.printedKey()
                    let client = server.client(key: key)
                    let made = try await client.create("to revoke")
                    let revoked = server.client(key: try #require(try made["key"]?.string))
                    #expect(try await revoked.loginStatus() == 200)
                    let id = try #require(try made["id"]?.string)
                    #expect(try await client.send("DELETE", "/v1/api_key/\(id)").status == 200)

                    try await postgres.stop(mode)
                    // For a moment the node may still answer from memory.
                    try await eventually("a node that knows") {
                        try await Self.requireOutage(revoked)
                        return try await client.send("POST", "/api/apikey/login").status == 503
                    }
                    for _ in 1...20 {
                        try await Self.requireOutage(client)
                        try await Self.requireOutage(revoked)
                    }
                    #expect(try await client.create("not made").status == 503)
                    #expect(try await client.send("GET", "/readyz").status == 503)
                    #expect(try await client.send("GET", "/healthz").status == 200)
                    let health = try await Command.witan("health", "--url", server.url)
                    #expect(health.end == .code(1))
                    try await Command.witan(
                        ["keys", "list", "--data", folder.data],
                        environment: postgres.environment
                    )
                    .expectRefusal("cannot be reached")

                    try await postgres.start()
                    let begin = ContinuousClock.now
                    try await eventually("a ready node") {
                        let status = try await client.send("GET", "/readyz").status
                        #expect(status == 200 || status == 503)
                        return status == 200
                    }
                    print("The node was ready \(ContinuousClock.now - begin) after the database.")
                    try await eventually("a node that serves") {
                        let statuses = [try await client.loginStatus(), try await revoked.loginStatus()]
                        #expect([200, 503].contains(statuses[0]) && [401, 503].contains(statuses[1]))
                        return statuses == [200, 401]
                    }
                    #expect(try await client.create("made").status == 200)
                    #expect(try await client.keys().count == 2)
                }
                #expect(ended.end == .code(0))
                // A registration whose answer was lost may come to be after another has replaced it; nobody renews that.
                let left = try await postgres.query("SELECT COUNT(*) FROM cluster_nodes WHERE renewals > 0")
                // So soon after an outage the node may not have tried to connect again by then, of which it tells.
                let saysSo = ended.log.contains("The node's registration could not be ended.")
                #expect(left == "0" || saysSo, "\(ended.log.suffix(1_500))")
                try await Command.witan(
                    ["audit", "verify", "--data", folder.data],
                    environment: postgres.environment
                )
                .expectSuccess()
            }
        }

        @Test("SIGTERM ends a node at once while its database is away")
        func endingWithoutDatabase() async throws {
            let folder = try TemporaryFolder()
            try await PostgresServer.with { postgres in
                let ended = try await ServerProcess.run(folder.data, environment: postgres.environment) { server in
                    try await server.refuseSomething()
                    try await postgres.stop()
                }
                #expect(ended.end == .code(0))
                #expect(ended.log.contains("Stopped."))
                #expect(!ended.log.contains("cut off"))
            }
        }

        @Test("A crash of the database's loses no answered key, be it of a backend or of all of it")
        func databaseCrashes() async throws {
            let folder = try TemporaryFolder()
            var random = SeededRandom(for: "PostgresOutageTests")
            try await PostgresServer.with { postgres in
                let arguments = ["--rate-limit", "off", "--log-level", "critical"]
                try await ServerProcess.run(folder.data, arguments, environment: postgres.environment) { server in
                    let client = server.client(key: try server.printedKey())
                    let (answered, end) = (Count(), Count())
                    let pauses = (1...3).map { _ in Int.random(in: 0...20_000, using: &random) }
                    let keys = try await withThrowingTaskGroup(of: [String].self) { group in
                        for worker in 1...8 {
                            group.addTask {
                                var keys: [String] = []
                                var number = 0
                                while end.value == 0 {
                                    number += 1
                                    let answer = try await client.create("\(worker).\(number)")
                                    if answer.status == 200, let key = try answer["key"]?.string {
                                        keys.append(key)
                                        answered.next()
                                    } else {
                                        #expect(answer.status == 503, "\(answer.text)")
                                        #expect(answer.header("retry-after") != nil)
                                    }
                                }
                                return keys
                            }
                        }
                        group.addTask {
                            defer { end.next() }
                            for pause in pauses {
                                let before = answered.value
                                try await eventually("answers") { answered.value > before + 20 }
                                try await Task.sleep(for: .microseconds(pause))
                                // The server ends all its sessions then, and recovers.
                                let backend = try #require(try await postgres.backends().last)
                                kill(backend, SIGKILL)
                            }
                            let before = answered.value
                            try await eventually("answers") { answered.value > before + 20 }
                            let postmaster = try postgres.postmaster()
                            kill(postmaster, SIGKILL)
                            try await postgres.startAfterCrash()
                            let last = answered.value
                            try await eventually("answers") { answered.value > last + 20 }
                            return []
                        }
                        return try await group.reduce(into: []) { $0 += $1 }
                    }
                    for key in keys { #expect(try await server.client(key: key).loginStatus() == 200) }
                    print("PostgresOutageTests: \(keys.count) keys were answered.")
                }
                let data = ["--data", folder.data]
                try await Command.witan(["audit", "verify"] + data, environment: postgres.environment).expectSuccess()
                #expect(
                    try await postgres.query(
                        """
                        SELECT COUNT(*) FROM api_keys FULL JOIN
                        (SELECT object_id FROM audit_events WHERE event_type = 'api_key.created') AS created
                        ON id = object_id WHERE id IS NULL OR object_id IS NULL
                        """
                    ) == "0"
                )
            }
        }

        @Test("A password is nowhere to be seen, be it right, wrong, or changed while a node runs")
        func password() async throws {
            let folder = try TemporaryFolder()
            let (password, wrong) = ("correct-horse-battery", "wrong-horse-battery")
            try await PostgresServer.with { postgres in
                try await postgres.query("CREATE ROLE ada LOGIN SUPERUSER PASSWORD '\(password)'")
                try postgres.allow("local all postgres trust", "local all all scram-sha-256")
                try await postgres.query("SELECT pg_reload_conf()")
                @Sendable func url(_ password: String) -> String {
                    "postgres://ada:\(password)@/postgres?host=\(postgres.folder)"
                }
                try await eventually("a server that asks") {
                    let command = try await Command.witan("migrate", environment: ["WITAN_DATABASE_URL": url(wrong)])
                    return !command.isSuccess
                }
                for words in [["serve", "--port", "0"], ["migrate"], ["keys", "list"]] {
                    try await Command.witan(
                        words + ["--data", folder.data],
                        environment: ["WITAN_DATABASE_URL": url(wrong)]
                    )
                    .expectRefusal("refused the password", hiding: [wrong])
                }
                #expect(try names(in: folder.path).isEmpty)

                let file = try folder.write(url(password), to: "url")
                let environment = ["WITAN_DATABASE_URL_FILE": file]
                let logging = ["--log-level", "trace"]
                let ended = try await ServerProcess.run(folder.data, logging, environment: environment) { server in
                    let client = server.client(key: try server.printedKey())
                    #expect(try await client.loginStatus() == 200)
                    #expect(!(try text(of: "/proc/\(server.processID)/cmdline")).contains("horse"))
                    let doctor = try await Command.witan(["doctor", "--data", folder.data], environment: environment)
                    doctor.expectSuccess()
                    #expect(!doctor.output.contains("horse"))

                    try await postgres.query(
                        """
                        ALTER ROLE ada PASSWORD 'another-horse';
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ada'
                        """
                    )
                    try await eventually("a node that is refused") {
                        let answer = try await client.send("GET", "/readyz")
                        #expect(!answer.text.contains("horse"))
                        return answer.status == 503
                    }
                    try await postgres.query("ALTER ROLE ada PASSWORD '\(password)'")
                    try await eventually("a ready node") { try await client.send("GET", "/readyz").status == 200 }
                }
                #expect(ended.end == .code(0))
                #expect(!(ended.log + ended.output).contains("horse"))
                #expect(ended.log.contains("refused the password"))
            }
        }

        @Test("A replica is refused as the database, and serves lists as one")
        func replica() async throws {
            let folder = try TemporaryFolder()
            try await PostgresServer.with { postgres in
                let empty = try await postgres.makeReplica("empty")
                try await Self.refuseReplica(empty, folder.path("none"))
                #expect(try names(in: folder.path).isEmpty)
                try await postgres.stopReplica("empty")

                let first = try await ServerProcess.run(folder.data, environment: postgres.environment) { server in
                    try server.printedKey()
                }
                let replica = try await postgres.makeReplica("replica")
                try await Self.refuseReplica(replica, folder.data)
                let environment = postgres.environment.merging(["WITAN_DATABASE_REPLICA_URL": replica]) { $1 }
                try await ServerProcess.run(folder.data, environment: environment) { server in
                    let client = server.client(key: first.result)
                    @Sendable func created() async throws -> Int? {
                        try await
                            client.send("GET", "/v1/organization/audit_logs?event_type=api_key.created")["objects"]?
                            .array?
                            .count
                    }
                    try await PostgresSchema.run("SELECT pg_wal_replay_pause()", on: replica)
                    let made = try await client.createdKey("that the replica does not know")
                    #expect(try await server.client(key: made).loginStatus() == 200)
                    #expect(try await client.keys().count == 2)
                    #expect(try await created() == 1, "the replica was asked")
                    try await PostgresSchema.run("SELECT pg_wal_replay_resume()", on: replica)
                    try await eventually("a replica that has caught up") { try await created() == 2 }
                }
                try await postgres.stopReplica("replica")
            }
        }

        // MARK: Helpers

        /// Requires that a request is answered as one should be that cannot be decided now, or from a memory that holds.
        private static func requireOutage(
            _ client: APIClient,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let answer = try await client.send("GET", "/v1/api_key")
            try #require(answer.status == 503, "\(answer.text)", sourceLocation: sourceLocation)
            #expect(answer.header("retry-after") == "1", sourceLocation: sourceLocation)
            #expect(try answer["Code"] == "ServiceUnavailableError", sourceLocation: sourceLocation)
            #expect(try answer["Path"] == "/v1/api_key", sourceLocation: sourceLocation)
            #expect(try answer["InternalTraceId"]?.string?.isEmpty == false, sourceLocation: sourceLocation)
            #expect(try answer["Message"]?.string?.contains("database") == true, sourceLocation: sourceLocation)
        }

        private static func refuseReplica(_ url: String, _ data: String) async throws {
            for words in [["serve", "--port", "0"], ["init", "--organization", "Acme", "--email", "ada@example.com"]] {
                try await Command.witan(words + ["--data", data], environment: ["WITAN_DATABASE_URL": url])
                    .expectRefusal("can only be read", "replica", "--database-url")
            }
        }
    }
}
