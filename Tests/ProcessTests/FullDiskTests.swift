import Testing
import WitanJSON

extension ProcessTests {
    @Suite(.enabled("needs the right to mount") { try await Mount.isPermitted() })
    struct FullDiskTests {
        @Test(
            "A server that cannot start on a full disk says so, and starts once there is space",
            arguments: [0, 4, 8, 40, 100, 160, 200]
        )
        func start(kibibytesLeft: Int) async throws {
            let folder = try TemporaryFolder()
            try await Mount.disk(kibibytes: 2_048, at: folder.data) {
                let ballast = try Ballast(on: folder.data, leaving: kibibytesLeft)
                let refused = try await Command.witan(
                    "init",
                    "--data",
                    folder.data,
                    "--organization",
                    "default",
                    "--email",
                    "ada@example.com"
                )
                refused.expectRefusal("space")
                #expect(refused.output.isEmpty)
                try ballast.remove()
                let started = try await ServerProcess.run(folder.data) { server in
                    try await server.client(key: try server.printedKey()).loginStatus()
                }
                #expect(started.result == 200)
                try await Command.witan("doctor", "--data", folder.data).expectSuccess()
            }
        }

        @Test("A disk that fills up stops creation with a sentence, not reading, and nothing answered is lost")
        func whileRunning() async throws {
            let folder = try TemporaryFolder()
            try await Mount.disk(kibibytes: 4_096, at: folder.data) {
                let ended = try await ServerProcess.run(folder.data) { server in
                    let client = server.client(key: try server.printedKey())
                    var keys = [client.key, try await client.createdKey("before")]
                    let ballast = try Ballast(on: folder.data)

                    var refusal: APIClient.Answer?
                    for attempt in 1...200 where refusal == nil {
                        let answer = try await client.create("full \(attempt)")
                        if answer.status == 200 {
                            keys.append(try #require(try answer["key"]?.string))
                        } else {
                            refusal = answer
                        }
                    }
                    let answer = try #require(refusal)
                    #expect(answer.status == 503)
                    #expect(answer.header("retry-after") != nil)
                    #expect(try answer["Message"]?.string?.contains("disk that holds the database is full") == true)
                    #expect(try await client.create("still full").status == 503)
                    #expect(try await client.keys().count == keys.count)
                    #expect(try await client.loginStatus() == 200)
                    #expect(try await client.send("GET", "/readyz").status == 200)

                    try ballast.remove()
                    keys.append(try await client.createdKey("after"))
                    return keys
                }
                #expect(ended.end == .code(0))
                let next = try await ServerProcess.run(folder.data) { server in
                    for key in ended.result {
                        let status = try await server.client(key: key).loginStatus()
                        #expect(status == 200)
                    }
                    return try await server.client(key: ended.result[0]).keys().count
                }
                #expect(next.result == ended.result.count)
                try await Command.witan("audit", "verify", "--data", folder.data).expectSuccess()
                try await Command.witan("doctor", "--data", folder.data).expectSuccess()
            }
        }
    }
}
