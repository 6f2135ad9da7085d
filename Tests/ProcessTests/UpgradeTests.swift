import Foundation
import Testing
import WitanJSON

extension ProcessTests {
    @Suite(.enabled("needs a PostgreSQL server") { PostgresSchema.isAvailable })
    struct UpgradeTests {
        @Test("An older schema is refused by every command, and `witan migrate` brings it up without secrets")
        func olderSchema() async throws {
            let folder = try TemporaryFolder()
            try await PostgresSchema.with { schema in
                let key = try await Self.initialize(folder, schema)
                try await schema.query(Self.downgrade)
                let before = try await schema.contents()
                for command in [
                    ["serve", "--port", "0"], ["keys", "list"], ["peppers", "rotate"], ["members", "list"],
                    ["keys", "create", "--name", "x", "--email", "ada@example.com"],
                    ["explain", "ada@example.com", "read", "organization:Acme"],
                    ["init", "--organization", "Bell", "--email", "b@example.com"],
                ] {
                    try await Self.witan(command + ["--data", folder.data], schema)
                        .expectRefusal("schema 6 of 7", "run `witan migrate`")
                }
                let doctor = try await Self.witan(["doctor", "--data", folder.data], schema)
                #expect(doctor.end == .code(1))
                #expect(doctor.output.contains("FAILED  schema: The database has schema 6 of 7; run `witan migrate`."))
                #expect(try await schema.contents() == before)

                let none = folder.path("none")
                let migrated = try await Self.witan(["migrate", "--data", none], schema)
                migrated.expectSuccess()
                #expect(migrated.output == "Applied 7.\n")
                #expect(try await Self.witan(["migrate", "--data", none], schema).output == "Nothing to do.\n")
                #expect(try names(in: folder.path) == ["data"], "it has made no folder")
                try await ServerProcess.run(folder.data, environment: schema.environment) { server in
                    let status = try await server.client(key: key).loginStatus()
                    #expect(status == 200)
                }
                try await Self.witan(["audit", "verify", "--data", folder.data], schema).expectSuccess()
            }
        }

        @Test("Of `witan migrate` by several at once one applies each step", arguments: [true, false])
        func migratingAtOnce(isEmpty: Bool) async throws {
            let folder = try TemporaryFolder()
            try await PostgresSchema.with { schema in
                if !isEmpty {
                    _ = try await Self.initialize(folder, schema)
                    try await schema.query(Self.downgrade)
                }
                let outputs = try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 1...5 {
                        group.addTask {
                            let command = try await Self.witan(["migrate"], schema)
                            command.expectSuccess()
                            return command.output
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }.sorted()
                }
                #expect(
                    outputs
                        == [isEmpty ? "Applied 1, 2, 3, 4, 5, 6, 7.\n" : "Applied 7.\n"]
                        + Array(repeating: "Nothing to do.\n", count: 4)
                )
                #expect(
                    try await schema.query(
                        "SELECT string_agg(number::text, ' ' ORDER BY number) FROM schema_migrations"
                    )
                        == "1 2 3 4 5 6 7"
                )
            }
        }

        @Test("A database whose tables `witan migrate` has made is as empty as one without, for `serve` and for `init`")
        func migratedFirst() async throws {
            for command in ["serve", "init"] {
                let folder = try TemporaryFolder()
                try await PostgresSchema.with { schema in
                    try await Self.witan(["migrate"], schema).expectSuccess()
                    try await Self.witan(["keys", "list", "--data", folder.data], schema)
                        .expectRefusal("no installation yet", "`witan init`")
                    #expect(try names(in: folder.path).isEmpty)
                    let made = command == "init" ? try await Self.initialize(folder, schema) : nil
                    try await ServerProcess.run(folder.data, environment: schema.environment) { server in
                        let key = try made ?? server.printedKey()
                        #expect(try await server.client(key: key).loginStatus() == 200)
                    }
                    #expect(try names(in: folder.data) == ["secrets"])
                }
            }
        }

        @Test("A schema that a newer version has changed without harm is served, and another one refused")
        func newerSchema() async throws {
            let folder = try TemporaryFolder()
            try await PostgresSchema.with { schema in
                let key = try await Self.initialize(folder, schema)
                try await schema.query(Self.step8)
                try await ServerProcess.run(folder.data, environment: schema.environment) { server in
                    let made = try await server.client(key: key).createdKey("with a newer schema")
                    #expect(try await server.client(key: made).loginStatus() == 200)
                    try await Self.witan(["keys", "list", "--data", folder.data], schema).expectSuccess()
                    let doctor = try await Self.witan(["doctor", "--data", folder.data], schema)
                    doctor.expectSuccess()
                    #expect(doctor.output.contains("ok      schema: 8, of a newer version"))
                }
                #expect(try await Self.witan(["migrate"], schema).output == "Nothing to do.\n")

                try await schema.query("UPDATE schema_migrations SET oldest_serving = 8 WHERE number = 8")
                let before = try await schema.contents()
                for command in [["serve", "--port", "0"], ["migrate"], ["keys", "list"], ["audit", "verify"]] {
                    try await Self.witan(command + ["--data", folder.data], schema)
                        .expectRefusal("schema 8", "up to 7", "newer")
                }
                #expect(try await schema.contents() == before)
            }
        }

        @Test("Nodes go on, and new ones start, while a step is applied that serves them too")
        func rollingUpgrade() async throws {
            let folder = try TemporaryFolder()
            try await PostgresSchema.with { schema in
                let key = try await Self.initialize(folder, schema)
                try await Nodes.run(2, folder.data, "--rate-limit", "off", environment: schema.environment) { nodes in
                    let (done, end) = (Count(), Count())
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for node in nodes {
                            group.addTask {
                                while end.value == 0 {
                                    try await Self.work(node.client(key: key))
                                    done.next()
                                }
                            }
                        }
                        group.addTask {
                            defer { end.next() }
                            try await eventually("some work") { done.value > 5 }
                            try await schema.query(Self.step8)
                            try await ServerProcess.run(folder.data, environment: schema.environment) { newcomer in
                                let before = done.value
                                for _ in 1...3 { try await Self.work(newcomer.client(key: key)) }
                                try await eventually("more work") { done.value > before + 5 }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
                #expect(try await schema.query("SELECT COUNT(*) FROM projects WHERE remark <> ''") == "0")
                try await Self.witan(["audit", "verify", "--data", folder.data], schema).expectSuccess()
            }
        }

        // MARK: Helpers

        /// Takes the last step back.
        private static let downgrade = """
            DROP TABLE passwords, sessions, used_sign_in_links;
            ALTER TABLE api_keys DROP COLUMN expires_at, DROP COLUMN last_used_at;
            ALTER TABLE service_tokens DROP COLUMN expires_at, DROP COLUMN last_used_at;
            DELETE FROM schema_migrations WHERE number = 7
            """

        /// A step that this version does not know and need not.
        private static let step8 = """
            BEGIN;
            ALTER TABLE projects ADD COLUMN remark TEXT NOT NULL DEFAULT '';
            CREATE TABLE remarks (id TEXT PRIMARY KEY);
            INSERT INTO schema_migrations (number, name, applied_at, oldest_serving) VALUES (8, 'remarks', 0, 7);
            COMMIT
            """

        private static func witan(_ arguments: [String], _ schema: PostgresSchema) async throws -> Command {
            try await Command.witan(arguments, environment: schema.environment)
        }

        /// Makes an installation: Acme with its owner Ada, whose key it gives.
        private static func initialize(_ folder: TemporaryFolder, _ schema: PostgresSchema) async throws -> String {
            let arguments = ["init", "--organization", "Acme", "--email", "ada@example.com", "--json"]
            let made = try await witan(arguments + ["--data", folder.data], schema).json()
            return try #require(made["api_key"]?.object?["key"]?.string)
        }

        /// Makes, reads, changes and deletes, and expects that all of it works.
        private static func work(_ client: APIClient) async throws {
            let name = UUID().uuidString
            let project = try await client.send("POST", "/v1/project", body: ["name": .string(name)])
            let id = try #require(try project["id"]?.string, "\(project.text)")
            let changed = try await client.send("PATCH", "/v1/project/\(id)", body: ["name": .string(name + "b")])
            #expect(changed.status == 200, "\(changed.text)")
            #expect(try await client.send("GET", "/v1/project/\(id)").status == 200)
            #expect(try await client.send("DELETE", "/v1/project/\(id)").status == 200)
            let key = try await client.create(name)
            let keyID = try #require(try key["id"]?.string, "\(key.text)")
            #expect(try await client.send("DELETE", "/v1/api_key/\(keyID)").status == 200)
        }
    }
}
