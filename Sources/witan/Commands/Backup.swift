import ArgumentParser

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
        try await Installation.use(data, .reading) { try await $0.engine.backup(to: file) }
        print("Copied the database to \(file).")
    }
}
