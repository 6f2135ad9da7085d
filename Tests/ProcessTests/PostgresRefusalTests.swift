import Foundation
import Testing
import WitanJSON

extension ProcessTests {
    @Suite(.enabled("needs a PostgreSQL server") { PostgresSchema.isAvailable })
    struct PostgresRefusalTests {
        // MARK: Secrets

        @Test("Secrets that are not the database's, or are missing, are refused, and nothing is changed or made")
        func secrets() async throws {
            let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
            _ = try await other.initialize()
            try await PostgresSchema.with { schema in
                try await Self.initialize(folder, schema)
                let before = try await schema.contents()
                for command in [
                    ["serve", "--port", "0"], ["keys", "list"], ["members", "list"], ["audit", "verify"],
                ] {
                    try await Self.witan(command + ["--data", other.data], schema)
                        .expectRefusal("Pepper 1 of the secrets is not the one", "restore the secrets")
                    try await Self.witan(command + ["--data", folder.path("none")], schema)
                        .expectRefusal(folder.path("none/secrets"), "restore it from a backup")
                }
                for (data, sentence) in [
                    (other.data, "FAILED  peppers: "), (folder.path("none"), "FAILED  database: "),
                ] {
                    let doctor = try await Self.witan(["doctor", "--data", data], schema)
                    #expect(doctor.end == .code(1))
                    #expect(doctor.output.contains(sentence), "\(doctor)")
                }
                let rotated = try await Self.witan(["peppers", "rotate", "--data", other.data], schema)
                rotated.expectRefusal("Pepper 1")
                #expect(try await schema.contents() == before)
            }
            #expect(try names(in: folder.path) == ["data"])
        }

        // MARK: The clock

        @Test(
            "A clock that is far from the database's is refused before anything is made",
            .enabled("needs faketime") { try await Command.attempt("sh", "-c", "command -v faketime").isSuccess },
            arguments: [(offset: "+1h", side: "ahead of"), (offset: "-1h", side: "behind")]
        )
        func clock(offset: String, side: String) async throws {
            let (folder, empty) = (try TemporaryFolder(), try TemporaryFolder())
            try await PostgresSchema.with { schema in
                // On an empty database, and on one that nodes use.
                for data in [empty.data, folder.data] {
                    if data == folder.data { try await Self.initialize(folder, schema) }
                    let before = try await schema.contents()
                    for words in [
                        ["serve", "--port", "0"], ["init", "--organization", "Bell", "--email", "b@example.com"],
                    ] {
                        try await Self.witan(words + ["--data", data], schema, clock: offset)
                            .expectRefusal("clock is", "s \(side) the database's", "NTP")
                    }
                    #expect(try await schema.contents() == before)
                }
                let doctor = try await Self.witan(["doctor", "--data", folder.data], schema, clock: offset)
                #expect(doctor.end == .code(1))
                #expect(doctor.output.contains("FAILED  clock: This machine's clock is"), "\(doctor)")
            }
            #expect(try names(in: empty.path).isEmpty)
        }

        // MARK: The database

        @Test("A database that cannot be reached, used or written to is refused with advice")
        func unusableDatabase() async throws {
            let server = try #require(PostgresSchema.server)
            let folder = try TemporaryFolder()
            try await PostgresSchema.with { schema in
                let socket = try #require(server.firstMatch(of: /host=([^&]*)/)?.1)
                for (url, advice) in [
                    ("postgres://ada:correct-horse@127.0.0.1:1/witan", "127.0.0.1:1/witan cannot be reached"),
                    ("postgres://ada:correct-horse@no.invalid/witan", "no.invalid/witan cannot be reached"),
                    ("postgres:///no-such?host=\(socket)&user=postgres", "no database of that name"),
                    ("postgres:///postgres?host=\(socket)&user=nobody-here", "refuses this user"),
                    (PostgresSchema.url(server, "options=-csearch_path%3Dno_such"), "search_path does not exist"),
                    (schema.url + "%20-cdefault_transaction_read_only%3Don", "can only be read"),
                ] {
                    for command in [
                        ["serve", "--port", "0"], ["init", "--organization", "Acme", "--email", "ada@example.com"],
                        ["migrate"],
                    ] {
                        try await Command.witan(
                            command + ["--data", folder.data],
                            environment: ["WITAN_DATABASE_URL": url]
                        )
                        .expectRefusal(advice, hiding: ["correct-horse"])
                    }
                    let doctor = try await Command.witan(
                        ["doctor", "--data", folder.data],
                        environment: ["WITAN_DATABASE_URL": url]
                    )
                    #expect(doctor.end == .code(1))
                    #expect(doctor.output.contains("FAILED  database: "), "\(doctor)")
                    #expect(!"\(doctor)".contains("correct-horse"))
                }
                #expect(
                    try await schema.query("SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema()") == "0"
                )
                #expect(try names(in: folder.path).isEmpty)

                try await Self.initialize(folder, schema)
                let readOnly = schema.url + "%20-cdefault_transaction_read_only%3Don"
                let before = try await schema.contents()
                for words in [
                    ["serve", "--port", "0"], ["keys", "create", "--name", "x", "--email", "ada@example.com"],
                ] {
                    try await Command.witan(
                        words + ["--data", folder.data],
                        environment: ["WITAN_DATABASE_URL": readOnly]
                    )
                    .expectRefusal("can only be read", "--database-url")
                }
                #expect(try await schema.contents() == before)
            }
        }

        // MARK: Settings

        @Test(
            "A URL that cannot be read is refused without being shown",
            arguments: [
                ("", "postgres://"), ("mysql://ada:correct-horse@db/witan", "postgres://"),
                ("sqlite:correct-horse.db", "postgres://"), ("correct-horse", "postgres://"),
                ("postgres://ada:correct@horse@db/witan", "%40"), ("postgres://ada:correct-horse@db:port/w", "port"),
                ("postgres://ada:correct horse@db/witan", "%20"),
                ("postgres://db/witan?sslmode=correct-horse", "sslmode"),
                ("postgres://db/witan?pasword=correct-horse", "only parameters that libpq knows"),
                ("postgres://ada:correct-horse@[::1/witan", "USER:PASSWORD@HOST:PORT/NAME"),
            ]
        )
        func badURL(url: String, hint: String) async throws {
            let folder = try TemporaryFolder()
            let file = try folder.write(url, to: "url")
            for environment in [["WITAN_DATABASE_URL": url], ["WITAN_DATABASE_URL_FILE": file]] {
                try await Command.witan(["serve", "--data", folder.data], environment: environment)
                    .expectRefusal("database-url", hint, code: 64, hiding: ["correct", "horse"])
            }
            for name in ["direct", "replica"] {
                try await Command.witan(
                    ["migrate", "--data", folder.data],
                    environment: [
                        "WITAN_DATABASE_URL": "postgres://db/witan", "WITAN_DATABASE_\(name.uppercased())_URL": url,
                    ]
                )
                .expectRefusal("database-\(name)-url", hint, code: 64, hiding: ["correct", "horse"])
            }
            #expect(try names(in: folder.path) == ["url"])
        }

        @Test("A file of the URL that cannot be read is refused")
        func missingURLFile() async throws {
            let folder = try TemporaryFolder()
            let file = folder.path("none")
            try await Command.witan(
                ["serve", "--data", folder.data],
                environment: ["WITAN_DATABASE_URL_FILE": file]
            )
            .expectRefusal("WITAN_DATABASE_URL_FILE", file, code: 64)
            #expect(try names(in: folder.path).isEmpty)
        }

        @Test(
            "What is for PostgreSQL is refused without it, and so is a value that does not fit",
            arguments: [
                ("connections", "8", nil), ("pooler", "transaction", nil), ("direct-url", "postgres://db/witan", nil),
                ("replica-url", "postgres://db/witan", nil), ("connections", "3", "from 4 to 1000"),
                ("connections", "1001", "from 4 to 1000"), ("connections", "many", "connections"),
                ("connections", "-1", "connections"), ("pooler", "session", "none or transaction"),
            ] as [(String, String, String?)]
        )
        func settings(name: String, value: String, hint: String?) async throws {
            let folder = try TemporaryFolder()
            let environment = hint == nil ? [:] : ["WITAN_DATABASE_URL": "postgres://127.0.0.1:1/witan"]
            let variable = "WITAN_DATABASE_\(name.uppercased().replacing("-", with: "_"))"
            for command in [["serve", "--port", "0"], ["migrate"], ["keys", "list"]] {
                try await Command.witan(
                    command + ["--data", folder.data, "--database-\(name)=\(value)"],
                    environment: environment
                )
                .expectRefusal("database-\(name)", hint ?? "--database-url is needed", code: 64)
                try await Command.witan(
                    command + ["--data", folder.data],
                    environment: environment.merging([variable: value]) { $1 }
                )
                .expectRefusal("database-\(name)", hint ?? "--database-url is needed", code: 64)
            }
            #expect(try names(in: folder.path).isEmpty)
        }

        @Test("The help tells how a database is named, and a misspelt option and a wrong place are seen")
        func help() async throws {
            let help = try await Self.help("serve")
            for part in [
                "export WITAN_DATABASE_URL='postgres://witan:PASSWORD@db.example.com/witan' witan serve --data",
                "WITAN_DATABASE_URL_FILE", "--database-url <url>", "--database-connections <n>",
                "--database-pooler <kind>", "run `witan migrate`",
            ] {
                #expect(help.contains(part), "\(part)")
            }
            #expect(try await Self.help("migrate").contains("On PostgreSQL it only does so on an empty database"))
            let folder = try TemporaryFolder()
            try await Command.witan("serve", "--data", folder.data, "--database-conections", "8")
                .expectRefusal("did you mean --database-connections?", code: 64)
            let file = try folder.write("database-url: postgres://ada:correct-horse@db/witan", to: "witan.yaml")
            try await Command.witan("serve", "--data", folder.data, "--config", file)
                .expectRefusal("--database-url", file, code: 64, hiding: ["correct-horse"])
            #expect(try names(in: folder.path) == ["witan.yaml"])
        }

        // MARK: Helpers

        /// A command's help with one space for each break.
        private static func help(_ command: String) async throws -> String {
            try await Command.witan(command, "--help").output.split(whereSeparator: \.isWhitespace)
                .joined(separator: " ")
        }

        private static func witan(
            _ arguments: [String],
            _ schema: PostgresSchema,
            clock: String? = nil
        ) async throws -> Command {
            guard let clock else { return try await Command.witan(arguments, environment: schema.environment) }
            // Only the wall clock, as a wrong one is; by the program, because its library alone hides the arguments.
            let words = ["--exclude-monotonic", "-f", clock, WitanBinary.path] + arguments
            return try await Command.attempt("faketime", words, environment: schema.environment)
        }

        private static func initialize(_ folder: TemporaryFolder, _ schema: PostgresSchema) async throws {
            let arguments = ["init", "--organization", "Acme", "--email", "ada@example.com", "--data", folder.data]
            try await witan(arguments, schema).expectSuccess()
        }
    }
}
