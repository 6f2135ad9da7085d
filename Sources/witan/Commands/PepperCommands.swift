import ArgumentParser
import WitanAccess
import WitanCore
import WitanServices

/// `witan peppers`: what the stored digests are keyed with.
struct PepperCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peppers",
        abstract: "List, rotate and remove the peppers of the stored keys.",
        discussion: "Example: witan peppers rotate",
        subcommands: [List.self, Rotate.self, Remove.self]
    )

    /// `witan peppers list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say how many keys are stored under each pepper.",
            discussion: "Example: witan peppers list"
        )

        @OptionGroup var data: DataOptions

        func run() async throws {
            for usage in try await Installation.use(data, .unmigrated, { try await $0.peppers.usage() }) {
                print(
                    "pepper \(usage.version): \(usage.keys) keys\(usage.isKnown ? "" : ", and it is not in the secrets")"
                )
            }
        }
    }

    /// `witan peppers rotate`.
    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a pepper, which new keys use and every key moves to when it is next used.",
            discussion: """
                Example: witan peppers rotate

                No key stops working. Remove the old pepper with `witan peppers remove` when no key is left under it.
                """
        )

        @OptionGroup var data: DataOptions

        func run() async throws {
            let secrets = try await Installation.use(data, .existing) { installation in
                var random = RandomSource.system
                let secrets = try installation.secrets.rotatingPeppers(using: &random)
                try await PepperRegistry(database: installation.database, peppers: secrets.peppers)
                    .adoptNewest(at: installation.time.now()) { [store = data.secretsStore] () throws(Failure) in
                        try store.save(secrets)
                    }
                return secrets
            }
            print("Added pepper \(secrets.peppers.newest). Keep a copy of the secrets.")
        }
    }

    /// `witan peppers remove`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a pepper that no key is stored under any more.",
            discussion: "Example: witan peppers remove 1"
        )

        @OptionGroup var data: DataOptions

        @Argument(help: "The pepper's version.")
        var version: Int

        func run() async throws {
            // Without the check of the peppers, since it is a missing one that may be to be removed.
            try await Installation.use(data, .unmigrated) { installation in
                let isInSecrets = installation.secrets.peppers.versions.contains(version)
                let secrets = isInSecrets ? try installation.secrets.removingPepper(version: version) : nil
                try await installation.peppers.forget(version: version)
                if let secrets { try data.secretsStore.save(secrets) }
            }
            print("Removed pepper \(version).")
        }
    }
}
