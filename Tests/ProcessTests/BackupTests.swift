import Foundation
import Testing
import WitanJSON

extension ProcessTests {
    @Suite struct BackupTests {
        @Test("A backup with the secrets beside it is a server whose keys work, taken at rest or under way")
        func backup() async throws {
            let folder = try TemporaryFolder()
            let key = try await folder.initialize()
            let atRest = folder.path("at-rest.db")
            let copied = try await Command.witan("backup", atRest, "--data", folder.data)
            copied.expectSuccess()
            #expect(try mode(of: atRest) == 0o600)

            let ended = try await ServerProcess.run(folder.data) { server in
                let client = server.client(key: key)
                let before = try await client.createdKey("before the backup")
                try await Command.witan("backup", folder.path("under-way.db"), "--data", folder.data).expectSuccess()
                try await Command.witan("doctor", "--data", folder.data).expectSuccess()
                try await Command.witan("audit", "verify", "--data", folder.data).expectSuccess()
                let after = try await client.createdKey("after the backup")
                return (before, after)
            }
            #expect(ended.end == .code(0))
            #expect(try names(in: folder.data) == ["secrets", "witan.db", "witan.lock"])

            let (before, after) = ended.result
            for (backup, statuses) in [("at-rest.db", [200, 401, 401]), ("under-way.db", [200, 200, 401])] {
                let restored = folder.path("restored-\(backup)")
                try FileManager.default.createDirectory(atPath: restored, withIntermediateDirectories: false)
                try FileManager.default.copyItem(atPath: folder.path(backup), toPath: "\(restored)/witan.db")
                try FileManager.default.copyItem(atPath: folder.path("data/secrets"), toPath: "\(restored)/secrets")
                try await Command.witan("doctor", "--data", restored).expectSuccess()
                try await Command.witan("audit", "verify", "--data", restored).expectSuccess()
                let server = try await ServerProcess.run(restored) { server in
                    var found: [Int] = []
                    for key in [key, before, after] { found.append(try await server.client(key: key).loginStatus()) }
                    return found
                }
                #expect(server.result == statuses, "\(backup)")
            }
        }

        @Test("A backup of a server under load is whole")
        func underLoad() async throws {
            let folder = try TemporaryFolder()
            try await ServerProcess.run(folder.data, "--rate-limit", "off") { server in
                let client = server.client(key: try server.printedKey())
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 1...4 {
                        group.addTask {
                            for attempt in 1... {
                                // An error is the end of the load.
                                guard (try? await client.create("\(number).\(attempt)")) != nil else { break }
                            }
                        }
                    }
                    for number in 1...5 {
                        try await Command.witan("backup", folder.path("\(number).db"), "--data", folder.data)
                            .expectSuccess()
                    }
                    group.cancelAll()
                }
            }
            for number in 1...5 {
                let restored = folder.path("restored-\(number)")
                try FileManager.default.createDirectory(atPath: restored, withIntermediateDirectories: false)
                try FileManager.default.moveItem(atPath: folder.path("\(number).db"), toPath: "\(restored)/witan.db")
                try FileManager.default.copyItem(atPath: folder.path("data/secrets"), toPath: "\(restored)/secrets")
                try await Command.witan("doctor", "--data", restored).expectSuccess()
                try await Command.witan("audit", "verify", "--data", restored).expectSuccess()
            }
        }

        @Test("A backup writes over nothing and leaves nothing half made")
        func refusals() async throws {
            let folder = try TemporaryFolder()
            let key = try await folder.initialize()
            let file = try folder.write("precious", to: "there.db")
            try await Command.witan("backup", file, "--data", folder.data).expectRefusal(file, "exists already")
            #expect(try text(of: file) == "precious")
            try await Command.witan("backup", folder.path("no/such/folder.db"), "--data", folder.data).expectRefusal()
            try await Command.witan("backup", folder.path("x.db"), "--data", folder.path("none"))
                .expectRefusal("no database in")
            #expect(try names(in: folder.path) == ["data", "there.db"])
            #expect(!key.isEmpty)
        }
    }
}
