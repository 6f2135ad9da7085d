import ArgumentParser
import WitanCore

/// `witan migrate`: the schema.
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the database to the schema of this version.",
        discussion: """
            Example: witan migrate --data ./witan-data

            On SQLite `witan serve` does so too when it starts. On PostgreSQL it only does so on an empty database, because \
            servers of the version before may be running: run this command first, with the database's URL in \
            WITAN_DATABASE_URL or WITAN_DATABASE_URL_FILE. It needs no secrets, and several at once do no harm.
            """
    )

    @OptionGroup var data: DataOptions

    func run() async throws {
        let steps = try await Installation.migrate(data)
        print(steps.isEmpty ? "Nothing to do." : "Applied \(steps.map(String.init).joined(separator: ", ")).")
    }
}
