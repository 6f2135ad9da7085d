import Testing
import WitanJSON

extension ProcessTests {
    @Suite struct ShutdownTests {
        @Test(
            "SIGTERM and SIGINT let requests under way finish and end idle connections",
            arguments: TestDatabase.Engine.available,
            ["TERM", "INT"]
        )
        func drain(_ engine: TestDatabase.Engine, signal: String) async throws {
            try await engine.with { try await Self.drain($0, signal) }
        }

        private static func drain(_ database: TestDatabase, _ signal: String) async throws {
            let ended = try await database.serve { server in
                let key = try server.printedKey()
                return try await RawConnection.open(to: server) { unfinished in
                    try await RawConnection.open(to: server) { idle in
                        try await idle.send("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
                        #expect(try await idle.readAnswer()?.status == 200)
                        try await unfinished.send(
                            """
                            POST /v1/api_key HTTP/1.1\r
                            Host: x\r
                            Authorization: Bearer \(key)\r
                            Content-Length: 16\r
                            \r
                            {"name":
                            """
                        )
                        try await server.waitForRequests(underWay: 2)
                        try (signal == "TERM" ? server.terminate : server.interrupt)()
                        // It goes on to the next only when it has seen the end of this connection.
                        #expect(try await idle.isClosedByServer())
                        // A newcomer is turned away, by the system or by the server.
                        if let late = try? await server.client(key: key).send("GET", "/readyz") {
                            #expect(late.status == 503)
                        }
                        try await unfinished.send(" \"last\"}")
                        let answer = try #require(try await unfinished.readAnswer())
                        #expect(answer.status == 200)
                        #expect(try await unfinished.isClosedByServer())
                        return try #require(answer.body.firstMatch(of: /sk-\w+/).map { String($0.0) })
                    }
                }
            }
            #expect(ended.end == .code(0))
            #expect(ended.log.contains("Stopped."))
            #expect(!ended.log.contains("cut off"))
            let next = try await database.serve { server in
                try await server.client(key: ended.result).loginStatus()
            }
            #expect(next.result == 200)
        }

        @Test(
            "SIGTERM under load ends the server with code 0, and every answered key works afterwards",
            arguments: TestDatabase.Engine.available
        )
        func underLoad(_ engine: TestDatabase.Engine) async throws {
            try await engine.with { try await Self.load($0) }
        }

        private static func load(_ database: TestDatabase) async throws {
            let ended = try await database.serve("--rate-limit", "off") { server in
                let client = server.client(key: try server.printedKey())
                let answers = Count()
                return try await withThrowingTaskGroup(of: [String].self) { group in
                    for number in 1...8 {
                        group.addTask {
                            var keys: [String] = []
                            for attempt in 1... {
                                // Once the server is gone there is nobody to answer.
                                guard let answer = try? await client.create("\(number).\(attempt)") else { break }
                                // A request that came too late may be refused, but then it says so.
                                guard answer.status == 200 else {
                                    #expect(answer.status == 503, "\(answer.text)")
                                    break
                                }
                                if let key = try answer["key"]?.string { keys.append(key) }
                                if answers.next() == 100 { try server.terminate() }
                            }
                            return keys
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
            }
            #expect(ended.end == .code(0))
            #expect(ended.result.count >= 100)
            #expect(!ended.log.contains("cut off"), "it did not take the whole drain time")
            let next = try await database.serve { server in
                for key in ended.result {
                    let status = try await server.client(key: key).loginStatus()
                    #expect(status == 200)
                }
            }
            #expect(next.end == .code(0))
        }

        @Test(
            "Refusals that were only counted stand in the audit log when the server has ended",
            arguments: TestDatabase.Engine.available
        )
        func countedRefusals(_ engine: TestDatabase.Engine) async throws {
            try await engine.with { database in
                let ended = try await database.serve { server in
                    let client = server.client(key: try server.printedKey())
                    for _ in 1...25 {
                        let body: JSONValue = ["name": "x", "org_name": "Nobody's"]
                        let answer = try await client.send("POST", "/v1/api_key", body: body)
                        #expect(answer.status == 403)
                    }
                }
                #expect(ended.end == .code(0))
                let counted = try await database.query(
                    "SELECT SUM(COALESCE(occurrences, 1)) FROM audit_events WHERE outcome = 'denied'"
                )
                #expect(counted == "25")
                try await database.witan("audit", "verify").expectSuccess()
            }
        }

        @Test("A request that never ends is cut off after the drain time, and the exit code is still 0")
        func drainTimeout() async throws {
            let folder = try TemporaryFolder()
            let ended = try await ServerProcess.run(folder.data, "--drain-timeout", "500ms") { server in
                try await server.terminateDuringRequest()
            }
            #expect(ended.end == .code(0))
            #expect(ended.log.contains("cut off"))
        }
    }
}
