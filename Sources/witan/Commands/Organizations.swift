import ArgumentParser
import WitanCore
import WitanJSON
import WitanResources
import WitanServices

/// `witan organizations`.
struct Organizations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, list and set up organizations.",
        discussion: "Example: witan organizations create --name Acme --owner ada@example.com",
        subcommands: [Create.self, List.self, Set.self]
    )

    /// `witan organizations create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an organization with an owner.",
            discussion: """
                Example: witan organizations create --name Acme --owner ada@example.com

                It works on the data of a stopped server.
                """
        )

        @OptionGroup var data: DataOptions

        @Option(help: "The organization's name.")
        var name: String

        @Option(help: "The owner's e-mail address; somebody who is there already, or a new person.")
        var owner: String

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let person = try NewPerson(email: owner)
            let founded = try await Installation.use(data, .create) { installation in
                try await installation.accounts.found(name, owner: person, keyName: nil)
            }
            if json {
                print(FoundingReport(founded).json)
            } else {
                print("Made \(name), owned by \(person.email).")
            }
        }
    }

    /// `witan organizations list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List organizations.",
            discussion: "Example: witan organizations list"
        )

        @OptionGroup var place: PlaceOptions

        func run() async throws {
            try await place.list(OrganizationResource.resource, columns: ["id", "name", "created"])
        }
    }
    /// `witan organizations set`.
    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change how an organization's access control works.",
            discussion: """
                Example: witan organizations set Acme --ownership-grants off

                It works on the data of a stopped server.
                """
        )

        /// What is turned on or off.
        enum State: String, CaseIterable {
            case on
            case off
        }

        @OptionGroup var data: DataOptions

        @Argument(help: "The organization's name.")
        var name: String

        @Option(
            help: "Whether whoever makes an object gets the role Owner on it: on or off.",
            transform: Words.word
        )
        var ownershipGrants: State

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            try await Installation.use(data, .existing) { installation in
                try await installation.accounts.setGrantsOwnership(ownershipGrants == .on, in: name)
            }
            if json {
                let state: JSONObject = ["name": .string(name), "ownership_grants": .bool(ownershipGrants == .on)]
                print(JSONWriter.string(of: .object(state)))
            } else {
                print("Whoever makes an object in \(name) \(ownershipGrants == .on ? "owns" : "does not own") it.")
            }
        }
    }
}
