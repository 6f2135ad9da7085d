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
    }
}
