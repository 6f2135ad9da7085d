import ArgumentParser
import WitanJSON
import WitanResources

/// `witan groups`: groups of members and of other groups.
struct Groups: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, make, fill and delete groups.",
        discussion: "Example: witan groups add Interns bob@example.com",
        subcommands: [List.self, Create.self, Add.self, Remove.self, Delete.self]
    )

    /// `witan groups list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List groups; `witan members list --group NAME` says who is in one.",
            discussion: "Example: witan groups list"
        )

        @OptionGroup var options: OrganizationOptions

        func run() async throws {
            let groups = try await options.use { place in try await place.list(GroupResource.resource) }
            let names = NamedKind.group.names(of: groups)
            options.show(
                groups,
                columns: [
                    "id", "name", "description",
                    Listing.Column("users") { String($0.texts("member_users").count) },
                    Listing.Column("groups") { group in
                        group.texts("member_groups").map { names[$0] ?? $0 }.joined(separator: ", ")
                    },
                ]
            )
        }
    }

    /// `witan groups create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a group, which is empty at first.",
            discussion: "Example: witan groups create Interns --description \"Those who stay for a summer\""
        )

        @OptionGroup var options: OrganizationOptions

        @Argument(help: "The group's name.")
        var name: String

        @Option(help: "What the group is for.")
        var description: String?

        func run() async throws {
            try await options.create(.group, name) { _ in
                description.map { ["description": .string($0)] } ?? [:]
            }
        }
    }

    /// `witan groups add`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put members and other groups into a group.",
            discussion: "Example: witan groups add Engineers bob@example.com group:Interns service-account:ci"
        )

        @OptionGroup var options: OrganizationOptions

        @OptionGroup var change: Change

        func run() async throws {
            try await change.run(options, "add", saying: "Put \(change.memberList) into \(change.group).")
        }
    }

    /// `witan groups remove`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take members and other groups out of a group.",
            discussion: "Example: witan groups remove Engineers bob@example.com group:Interns"
        )

        @OptionGroup var options: OrganizationOptions

        @OptionGroup var change: Change

        func run() async throws {
            try await change.run(options, "remove", saying: "Took \(change.memberList) out of \(change.group).")
        }
    }

    /// `witan groups delete`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a group, with all that it was granted.",
            discussion: "Example: witan groups delete Interns"
        )

        @OptionGroup var options: OrganizationOptions

        @Argument(help: "The group's name.")
        var name: String

        func run() async throws {
            try await options.delete(.group, name)
        }
    }

    /// What `add` and `remove` take.
    struct Change: ParsableArguments {
        @Argument(help: "The group's name.")
        var group: String

        @Argument(help: "Each \(Principal.forms).")
        var members: [Principal]

        var memberList: String { members.map(\.description).joined(separator: ", ") }

        func run(_ options: OrganizationOptions, _ deed: String, saying sentence: String) async throws {
            try await options.change(.group, group, saying: sentence) { place in
                let found = try await place.find(members)
                return ["\(deed)_member_users": found.users, "\(deed)_member_groups": found.groups]
            }
        }
    }
}
