import ArgumentParser
import WitanCore
import WitanStorage

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
