import ArgumentParser
import WitanCore
import WitanHTTP
import WitanJSON
import WitanResources
import WitanSQLite
import WitanServices
import WitanStorage

/// `witan openapi`: the API document.
struct OpenAPI: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "openapi",
        abstract: "Print the API document.",
        discussion: "Example: witan openapi --yaml > openapi.yaml"
    )

    @Flag(help: "Print YAML instead of JSON.")
    var yaml = false

    @Option(help: "The server's address in the document.")
    var publicURL = "http://127.0.0.1:8000"

    func run() throws {
        let document = OpenAPIDocument(version: Witan.version).document(serverURL: publicURL)
        print(yaml ? try YAML.string(of: document) : JSONWriter.string(of: document, pretty: true))
    }
}

/// `witan migrate`: the schema.
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the database to the schema of this version; `witan serve` does so too when it starts.",
        discussion: "Example: witan migrate --data ./witan-data"
    )

    @OptionGroup var data: DataOptions

    func run() async throws {
        let steps = try await Installation.use(data, .unmigrated) { installation in
            try await Migrator().migrate(installation.database, at: installation.time.now())
        }
        print(steps.isEmpty ? "Nothing to do." : "Applied \(steps.map(String.init).joined(separator: ", ")).")
    }
}

/// `witan audit`: the audit log.
struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Work with the audit log.",
        discussion: "Example: witan audit verify",
        subcommands: [Verify.self]
    )

    /// `witan audit verify`.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that no row of the audit log was changed, removed or added by something else.",
            discussion: """
                Example: witan audit verify --data ./witan-data

                It also works while the server runs.
                """
        )

        @OptionGroup var data: DataOptions

        func run() async throws {
            let report = try await Installation.use(data, .reading) { installation in
                try await installation.audit.verify(in: installation.database)
            }
            for problem in report.problems { print(problem) }
            guard report.problems.isEmpty else { throw ExitCode(1) }
            print("\(report.rows) rows, all as they were written.")
        }
    }
}

/// `witan backup`: a copy of the database.
struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the database, whole and consistent, into a new file.",
        discussion: """
            Example: witan backup /backups/witan.db

            It also works while the server runs. To restore, put the file into a data folder as witan.db, and the secrets beside it. The secrets are not in the \
            copy; keep them elsewhere.
            """
    )

    @OptionGroup var data: DataOptions

    @Argument(help: "The file to make; it must not exist.")
    var file: String

    func run() async throws {
        try await Installation.use(data, .reading) { try await $0.database.backup(to: file) }
        print("Copied the database to \(file).")
    }
}
