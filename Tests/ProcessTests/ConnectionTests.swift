import Testing
import WitanJSON

extension ProcessTests {
    @Suite struct ConnectionTests {
        @Test("A body that does not come in time is answered 408, a head that does not is closed")
        func slowRequests() async throws {
            try await Self.serving("--request-timeout", "1s") { server, key in
                try await RawConnection.open(to: server) { body in
                    try await body.send(Self.creation(key, "Content-Length: 15") + "{\"na")
                    let answer = try #require(try await body.readAnswer())
                    #expect(answer.status == 408)
                    #expect(try Self.sentence(answer).hasSuffix("."))
                    #expect(try await body.isClosedByServer())
                }
                try await RawConnection.open(to: server) { head in
                    try await head.send("GET /ping HTTP/1.1\r\nHost: x\r\n")
                    #expect(try await !head.readToEnd().contains(" 200 "))
                }
            }
        }

        @Test("An idle connection is closed, one in use is not")
        func idleConnection() async throws {
            try await Self.serving("--idle-timeout", "1s") { server, _ in
                let isClosed = try await RawConnection.open(to: server) { try await $0.isClosedByServer() }
                #expect(isClosed)
                try await RawConnection.open(to: server) { connection in
                    try await connection.send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(try await connection.readAnswer()?.status == 200)
                    #expect(try await connection.isClosedByServer())
                }
            }
        }

        @Test("A client that does not read its answers is cut off, one that reads them slowly is not")
        func unreadAnswers() async throws {
            try await Self.serving("--request-timeout", "3s", "--idle-timeout", "300s") { server, _ in
                let request = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n"
                let document = try await server.client(key: "").send("GET", "/openapi.json").text.utf8.count
                // More than the two sockets' buffers hold, and not more than can be read slowly in the time.
                let count = 12_000_000 / document
                let requests = String(repeating: request + "\r\n", count: count) + request + "Connection: close\r\n\r\n"
                try await RawConnection.open(to: server) { silent in
                    try await RawConnection.open(to: server) { slow in
                        try await silent.send(requests)
                        try await slow.send(requests)
                        #expect(try await slow.countToEnd(pausing: .milliseconds(45)) > (count + 1) * document)
                    }
                    #expect(try await silent.countToEnd(pausing: .zero) < (count + 1) * document)
                }
            }
        }

        @Test(
            "What is no HTTP, or too long a head, is answered 400 and closed",
            arguments: [
                "HELLO\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}garbage\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                "GET /ping HTTP/1.1\r\nno colon\r\n\r\n",
                "GET /\(String(repeating: "a", count: 40_000)) HTTP/1.1\r\nHost: x\r\n\r\n",
                "GET /ping HTTP/1.1\r\nHost: x\r\nX-Long: \(String(repeating: "a", count: 40_000))\r\n\r\n",
                "GET /ping HTTP/1.1\r\nHost: x\r\n\(String(repeating: "X: y\r\n", count: 300))\r\n",
                "GET /ping HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                "GET /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            ]
        )
        func notHTTP(bytes: String) async throws {
            try await Self.serving { server, _ in
                try await RawConnection.open(to: server) { connection in
                    try await connection.send(bytes)
                    let answer = try #require(try await connection.readAnswer())
                    #expect(answer.status == 400)
                    #expect(try await connection.isClosedByServer())
                }
            }
        }

        @Test("A body beyond the limit is answered 413 without being read", arguments: [true, false])
        func largeBody(isChunked: Bool) async throws {
            try await Self.serving("--max-body-bytes", "10000") { server, key in
                try await RawConnection.open(to: server) { connection in
                    if isChunked {
                        let chunk = "1000\r\n\(String(repeating: " ", count: 4_096))\r\n"
                        try await connection.send(
                            Self.creation(key, "Transfer-Encoding: chunked") + chunk + chunk + chunk
                        )
                    } else {
                        try await connection.send(Self.creation(key, "Content-Length: 1000000000") + "{\"na")
                    }
                    let answer = try #require(try await connection.readAnswer())
                    #expect(answer.status == 413)
                    #expect(try Self.sentence(answer).contains("10000 bytes"))
                    #expect(try await connection.isClosedByServer())
                }
            }
        }

        @Test("Each of several requests sent at once is answered, in order")
        func pipelining() async throws {
            try await Self.serving { server, key in
                try await RawConnection.open(to: server) { connection in
                    let creations = (1...5).map { Self.creation(key, "Content-Length: 12") + "{\"name\":\"\($0)\"}" }
                    try await connection.send(
                        creations.joined() + "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                    )
                    for number in 1...5 {
                        let answer = try #require(try await connection.readAnswer())
                        #expect(answer.status == 200)
                        let name = try JSONParser.parse(Array(answer.body.utf8)).object?["name"]?.string
                        #expect(name == "\(number)")
                    }
                    #expect(try await connection.readAnswer()?.status == 404)
                    #expect(try await connection.isClosedByServer())
                }
            }
        }

        @Test("A body in two pieces, with a character cut in half, is one body")
        func bodyInPieces() async throws {
            try await Self.serving { server, key in
                try await RawConnection.open(to: server) { connection in
                    try await connection.send(
                        Self.creation(key, "Transfer-Encoding: chunked") + "a\r\n{\"name\":\"a\r\n"
                    )
                    try await connection.send("3\r\né\"\r\n1\r\n}\r\n0\r\n\r\n")
                    let answer = try #require(try await connection.readAnswer())
                    #expect(try JSONParser.parse(Array(answer.body.utf8)).object?["name"] == "aé")
                }
            }
        }

        @Test("A client that goes away in the middle of a body is no error of the server's")
        func brokenOff() async throws {
            let ended = try await Self.serving { server, key in
                try await RawConnection.open(to: server) { connection in
                    try await connection.send(Self.creation(key, "Content-Length: 15") + "{\"na")
                    try await server.waitForRequests(underWay: 2)
                }
                try await server.waitForRequests(underWay: 1)
                #expect(try await server.client(key: key).keys().count == 1)
            }
            #expect(!ended.log.contains("ERROR"), "\(ended.log)")
            #expect(!ended.log.contains(" 500 "), "\(ended.log)")
        }

        @Test("A body with broken framing is answered 400 and is no error of the server's")
        func brokenFraming() async throws {
            let ended = try await Self.serving { server, key in
                try await RawConnection.open(to: server) { connection in
                    try await connection.send(Self.creation(key, "Transfer-Encoding: chunked") + "zz\r\nhello\r\n")
                    #expect(try await connection.readAnswer()?.status == 400)
                    #expect(try await connection.isClosedByServer())
                }
            }
            #expect(!ended.log.contains("ERROR"), "\(ended.log)")
        }

        @Test(
            "Requests beyond the number that may be under way are answered 503 with Retry-After, health checks are not"
        )
        func overload() async throws {
            try await Self.serving("--max-requests", "2") { server, key in
                try await RawConnection.open(to: server) { first in
                    try await RawConnection.open(to: server) { second in
                        try await first.send(Self.creation(key, "Content-Length: 15"))
                        try await server.waitForRequests(underWay: 2)
                        // The request for the metrics is one of the two until the server is done with it.
                        try await RawConnection.open(to: server) { probe in
                            try await probe.send("GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                            _ = try await probe.readAnswer()
                            #expect(try await probe.isClosedByServer())
                        }
                        try await second.send(Self.creation(key, "Content-Length: 15"))
                        let client = server.client(key: key)
                        var refusal = try await client.send("GET", "/ping")
                        while refusal.status == 200 { refusal = try await client.send("GET", "/ping") }
                        #expect(refusal.status == 503)
                        #expect(refusal.header("retry-after") == "1")
                        #expect(try await client.send("GET", "/healthz").status == 200)
                        for connection in [first, second] {
                            try await connection.send("{\"name\":\"late\"}")
                            #expect(try await connection.readAnswer()?.status == 200)
                        }
                        #expect(try await client.loginStatus() == 200)
                    }
                }
            }
        }

        @Test("Connections beyond the number that may be open wait, and are served when one has closed")
        func connectionLimit() async throws {
            let ended = try await Self.serving("--max-connections", "1") { server, _ in
                let status = try await RawConnection.open(to: server) { first in
                    try await first.send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(try await first.readAnswer()?.status == 200)
                    return try await RawConnection.open(to: server) { second in
                        try await second.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                        try await first.send("GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                        #expect(try await first.readAnswer()?.status == 200)
                        return try await second.readAnswer()?.status
                    }
                }
                #expect(status == 200)
            }
            let paths = ended.log.matches(of: /GET\ (\/\w+)\ /).map { String($0.1) }
            #expect(paths == ["/ping", "/version", "/healthz"], "the second came after the first")
        }

        // MARK: Helpers

        @discardableResult
        private static func serving(
            _ arguments: String...,
            body: (ServerProcess, String) async throws -> Void
        ) async throws -> ServerProcess.Ended<Void> {
            let folder = try TemporaryFolder()
            return try await ServerProcess.run(folder.data, arguments) { server in
                try await body(server, try server.printedKey())
                // Whatever was done to it, it goes on.
                #expect(try await server.client(key: try server.printedKey()).loginStatus() == 200)
            }
        }

        private static func creation(_ key: String, _ length: String) -> String {
            "POST /v1/api_key HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(key)\r\n\(length)\r\n\r\n"
        }

        private static func sentence(_ answer: RawConnection.Answer) throws -> String {
            try #require(try JSONParser.parse(Array(answer.body.utf8)).object?["Message"]?.string)
        }
    }
}
