import Foundation
import Testing
import WitanJSON

extension ProcessTests {
    @Suite struct StartTests {
        @Test("An empty folder gets an installation of private files and a key that is shown once and lasts")
        func firstAndSecondStart() async throws {
            let folder = try TemporaryFolder()
            let clock = ContinuousClock()
            let begin = clock.now
            let first = try await ServerProcess.run(folder.data) { server in
                print("The server was ready after \(begin.duration(to: clock.now)).")
                let key = try server.printedKey()
                #expect(try await server.client(key: key).loginStatus() == 200)
                return key
            }
            let key = first.result
            #expect(first.end == .code(0))
            #expect(!first.log.contains("sk-"), "keys never go to the log")
            // Once as itself and once in the command that keeps it.
            #expect(first.output.split(separator: key, omittingEmptySubsequences: false).count == 3)

            #expect(try mode(of: folder.data) == 0o700)
            #expect(try names(in: folder.data) == ["secrets", "witan.db", "witan.lock"])
            for name in try names(in: folder.data) {
                #expect(try mode(of: "\(folder.data)/\(name)") == 0o600, "\(name)")
            }

            let second = try await ServerProcess.run(folder.data) { server in
                try await server.client(key: key).loginStatus()
            }
            #expect(second.result == 200)
            #expect(second.printedKey == nil)
            #expect(!second.output.contains("sk-"))
        }

        @Test("Each line of a JSON log is one object, whatever a client sends, and none holds a key")
        func jsonLog() async throws {
            let folder = try TemporaryFolder()
            let ended = try await ServerProcess.run(
                folder.data,
                "--log-format",
                "json",
                "--log-level",
                "trace"
            ) { server in
                let key = try server.printedKey()
                let client = server.client(key: key)
                let created = try await client.createdKey("line\nbreak \u{1B}[31m\u{2028}")
                #expect(try await server.client(key: created + "0").loginStatus() == 401)
                #expect(try await client.send("GET", "/no%0Asuch%22path").status == 404)
                try await RawConnection.open(to: server) { connection in
                    try await connection.send(
                        "GET /ping?key=\(created) HTTP/1.1\r\nHost: x\r\nUser-Agent: \"}\\ é \(created)\r\nConnection: close\r\n\r\n"
                    )
                    _ = try await connection.readToEnd()
                }
                return [key, created]
            }
            let lines = ended.log.split(separator: "\n")
            #expect(lines.count >= 6)
            for line in lines {
                // What is not JSON fails here, with the line.
                let object = try #require(try? JSONParser.parse(Array(line.utf8)).object, "\(line)")
                for member in ["time", "level", "message"] { #expect(object[member]?.string != nil, "\(line)") }
            }
            for key in ended.result { #expect(!ended.log.contains(key)) }
        }
    }
}
