import ArgumentParser
import WitanCore
import WitanJSON
import WitanResources
import WitanServices

/// `witan organizations`.
struct Organizations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make and list organizations.",
        discussion: "Example: witan organizations create --name Acme --owner ada@example.com",
        subcommands: [Create.self, List.self]
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
            let person = try AccountService.Person(email: owner)
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
}
