import Testing
import WitanJSON

/// A self-signed certificate for 127.0.0.1 and its key.
enum TLSFiles {
    /// Makes both with the openssl program.
    static func make(in folder: TemporaryFolder, _ name: String) async throws -> (certificate: String, key: String) {
        let (certificate, key) = (folder.path("\(name).pem"), folder.path("\(name)-key.pem"))
        try await Command.run(
            "openssl",
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
                + ["-subj", "/CN=witan", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
        )
        return (certificate, key)
    }
}

extension ProcessTests {
    @Suite struct TLSTests {
        @Test("HTTPS works with HTTP/1.1 and HTTP/2, and a client that speaks no TLS hurts nobody")
        func overTLS() async throws {
            let folder = try TemporaryFolder()
            let (certificate, key) = try await TLSFiles.make(in: folder, "server")
            let ended = try await ServerProcess.run(
                folder.data,
                "--tls-certificate",
                certificate,
                "--tls-key",
                key
            ) { server in
                let secret = try server.printedKey()
                #expect(server.url == "https://127.0.0.1:\(server.port)")
                for (flag, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
                    try await RawConnection.open(to: server) { connection in
                        try await connection.send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
                        // However the server ends the connection, it must not have answered.
                        let answer = try? await connection.readToEnd()
                        #expect(answer?.contains("HTTP/1.1 200") != true)
                    }
                    let login = try await Command.run(
                        "curl",
                        [
                            "--silent", "--show-error", flag, "--cacert", certificate, "--write-out",
                            "\n%{http_version} %{http_code}",
                        ]
                            + ["--request", "POST", "--header", "Authorization: Bearer \(secret)"]
                            + [server.url + "/api/apikey/login"]
                    )
                    #expect(login.output.hasSuffix("\n\(version) 200"), "\(login)")
                    #expect(login.output.contains("\"api_url\":\"\(server.url)\""), "\(login)")
                }
                // What is served is asked for over TLS from then on (RFC 6797, 7.1).
                let page = try await Command.run(
                    "curl",
                    "--silent",
                    "--show-error",
                    "--include",
                    "--cacert",
                    certificate,
                    server.url + "/signin"
                )
                let head = page.output.lowercased()
                #expect(head.contains(" 200"), "\(page)")
                #expect(head.contains("strict-transport-security: max-age=31536000"), "\(page)")
                let old = try await Command.attempt(
                    "curl",
                    "--silent",
                    "--tls-max",
                    "1.1",
                    "--cacert",
                    certificate,
                    server.url + "/ping"
                )
                #expect(!old.isSuccess, "TLS 1.1 is not spoken")
            }
            #expect(ended.end == .code(0))
        }

        @Test("A client that does not finish the TLS handshake is cut off", arguments: ["", "\u{16}\u{3}\u{1}"])
        func noHandshake(bytes: String) async throws {
            try await Self.serving("--request-timeout", "1s", "--idle-timeout", "300s") { server in
                try await within(.seconds(30), "the end of the connection") {
                    try await RawConnection.open(to: server) { connection in
                        try await connection.send(bytes)
                        // An alert or a reset is as good as a plain end.
                        _ = try? await connection.readToEnd()
                    }
                }
            }
        }

        @Test(
            "An HTTP/2 client that only says hello, or never finishes a request's head, is cut off",
            arguments: [":", "printf \(octal(headers(ofLength: 16_000))); while printf a; do sleep 0.2; done"]
        )
        func silentHTTP2(script: String) async throws {
            try await Self.serving("--request-timeout", "1s", "--idle-timeout", "1s") { server in
                let hello = "printf \(Self.octal(Self.preface(window: 65_535)));"
                let answer = try await Self.converse(with: server, "h2", hello + script)
                #expect(answer.contains(Self.goAway), "\(answer)")
            }
        }

        @Test(
            "An HTTP/2 client that takes no answer, long or short, is cut off",
            arguments: ["/openapi.json", "/ping"]
        )
        func unreadHTTP2(path: String) async throws {
            try await Self.serving("--request-timeout", "1s", "--idle-timeout", "1s") { server in
                let bytes = Self.preface(window: 0) + Self.request(path)
                let answer = try await Self.converse(with: server, "h2", "printf \(Self.octal(bytes))")
                #expect(answer.contains(Self.answerHead), "\(answer)")
                #expect(answer.contains(Self.reset), "\(answer)")
                #expect(answer.contains(Self.goAway), "\(answer)")
            }
        }

        @Test("A connection that is idle for less than it may be is served afterwards", arguments: ["http/1.1", "h2"])
        func idleWithinTime(version: String) async throws {
            try await Self.serving("--request-timeout", "3s", "--idle-timeout", "12s") { server in
                let get = Array("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
                let (hello, request, answer) =
                    version == "h2"
                    ? (Self.preface(window: 65_535), Self.request("/ping"), Self.answerHead)
                    : (get, get, Self.hex(Array("HTTP/1.1 200 OK".utf8)))
                let received = try await Self.converse(
                    with: server,
                    version,
                    "printf \(Self.octal(hello)); sleep 5; printf \(Self.octal(request))"
                )
                #expect(received.ranges(of: answer).count == (version == "h2" ? 1 : 2), "\(received)")
            }
        }

        // MARK: Helpers

        private static func serving(
            _ arguments: String...,
            body: (ServerProcess) async throws -> Void
        ) async throws {
            let folder = try TemporaryFolder()
            let (certificate, key) = try await TLSFiles.make(in: folder, "server")
            let ended = try await ServerProcess.run(
                folder.data,
                ["--tls-certificate", certificate, "--tls-key", key] + arguments,
                body
            )
            #expect(ended.end == .code(0))
            #expect(!ended.log.contains("ERROR"), "\(ended.log)")
        }

        /// Sends what a shell script prints, and gives what came until the server closed the connection, in hexadecimal.
        private static func converse(
            with server: ServerProcess,
            _ version: String,
            _ script: String
        ) async throws -> String {
            let client = "openssl s_client -quiet -alpn \(version) -connect 127.0.0.1:\(server.port)"
            return try await Command.run("sh", "-c", "{ \(script); } | \(client) | od -An -v -tx1 | tr -d ' \\n'")
                .output
        }

        /// What an HTTP/2 client says first: the preface and its settings (RFC 9113, 3.4).
        private static func preface(window: UInt16) -> [UInt8] {
            let setting = [0, 4, 0, 0, UInt8(window >> 8), UInt8(window & 255)]
            return Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 6, 4, 0, 0, 0, 0, 0] + setting
        }

        /// The beginning of a HEADERS frame that holds a whole request, on stream 1 (RFC 9113, 6.2).
        private static func headers(ofLength length: Int) -> [UInt8] {
            [0, UInt8(length >> 8), UInt8(length & 255), 1, 5, 0, 0, 0, 1]
        }

        /// A request for a resource, on stream 1 (RFC 7541, 6).
        private static func request(_ path: String) -> [UInt8] {
            let fields = [0x82, 0x87, 0x04, UInt8(path.utf8.count)] + Array(path.utf8) + [0x01, 0x01, 0x78]
            return headers(ofLength: fields.count) + fields
        }

        /// GOAWAY without an error, as the idle connection's end is announced.
        private static let goAway = "0000080700000000007fffffff00000000"

        /// The type and flags of a HEADERS frame on stream 1, and the status 200 of the static table.
        private static let answerHead = "01040000000188"

        /// RST_STREAM on stream 1.
        private static let reset = "000004030000000001"

        private static func octal(_ bytes: [UInt8]) -> String {
            "'" + bytes.map { "\\\(String($0 / 64))\(String($0 / 8 % 8))\(String($0 % 8))" }.joined() + "'"
        }

        private static func hex(_ bytes: [UInt8]) -> String {
            bytes.map { String($0 / 16, radix: 16) + String($0 % 16, radix: 16) }.joined()
        }
    }
}
