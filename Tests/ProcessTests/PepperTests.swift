import Testing
import WitanJSON

extension ProcessTests {
    @Suite struct PepperTests {
        @Test("A rotated pepper ends no key, which moves when it is used, and an old one goes when none is left")
        func rotation() async throws {
            let folder = try TemporaryFolder()
            let key = try await folder.initialize()
            let rotated = try await Self.peppers("rotate", folder)
            rotated.expectSuccess()
            #expect(rotated.output.hasPrefix("Added pepper 2."))
            #expect(try mode(of: folder.path("data/secrets")) == 0o600)
            #expect(try await Self.peppers("list", folder).output == "pepper 1: 1 keys\npepper 2: 0 keys\n")
            try await Self.peppers("remove", folder, "1").expectRefusal("1 keys are still stored under pepper 1")

            let ended = try await ServerProcess.run(folder.data) { server in
                let client = server.client(key: key)
                #expect(try await client.loginStatus() == 200)
                return try await client.createdKey("under the new pepper")
            }
            #expect(ended.end == .code(0))
            #expect(try await Self.peppers("list", folder).output == "pepper 1: 0 keys\npepper 2: 2 keys\n")
            try await Self.peppers("remove", folder, "2").expectRefusal("newest")
            try await Self.peppers("remove", folder, "7").expectRefusal("no pepper 7")
            try await Self.peppers("remove", folder, "1").expectSuccess()
            #expect(try await Self.peppers("list", folder).output == "pepper 2: 2 keys\n")

            let last = try await ServerProcess.run(folder.data) { server in
                [
                    try await server.client(key: key).loginStatus(),
                    try await server.client(key: ended.result).loginStatus(),
                ]
            }
            #expect(last.result == [200, 200])
        }

        @Test("A pepper that the secrets lost is removed as the refusal says, once no key is under it")
        func lostPepper() async throws {
            let folder = try TemporaryFolder()
            let key = try await folder.initialize()
            try await Self.peppers("rotate", folder).expectSuccess()
            let moved = try await ServerProcess.run(folder.data) { try await $0.client(key: key).loginStatus() }
            #expect(moved.result == 200)
            try await Command.run("sed", "-i", "/^pepper 1 /d", folder.path("data/secrets"))
            try await Command.witan("keys", "list", "--data", folder.data).expectRefusal("witan peppers remove 1")
            #expect(
                try await Self.peppers("list", folder).output
                    == "pepper 1: 0 keys, and it is not in the secrets\npepper 2: 1 keys\n"
            )
            try await Self.peppers("remove", folder, "1").expectSuccess()
            let last = try await ServerProcess.run(folder.data) { try await $0.client(key: key).loginStatus() }
            #expect(last.result == 200)
        }

        @Test("Secrets from the environment work, and a command that would change them says that it cannot")
        func fromTheEnvironment() async throws {
            let folder = try TemporaryFolder()
            let key = try await folder.initialize()
            let secrets = ["WITAN_SECRETS_TEXT": try text(of: folder.path("data/secrets"))]
            try await Command.run("rm", folder.path("data/secrets"))
            let ended = try await ServerProcess.run(folder.data, environment: secrets) { server in
                try await server.client(key: key).loginStatus()
            }
            #expect(ended.result == 200)
            try await Command.witan("peppers", "rotate", "--data", folder.data, environment: secrets)
                .expectRefusal("WITAN_SECRETS_TEXT")
            #expect(!(try names(in: folder.data).contains("secrets")))
        }

        private static func peppers(
            _ command: String,
            _ folder: TemporaryFolder,
            _ arguments: String...
        ) async throws
            -> Command
        {
            try await Command.witan(["peppers", command, "--data", folder.data] + arguments)
        }
    }
}
