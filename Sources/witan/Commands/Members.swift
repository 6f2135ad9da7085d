import ArgumentParser
import WitanJSON
import WitanResources

/// `witan members`: who is in an organization.
struct Members: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, invite and remove the members of an organization.",
        discussion: "Example: witan members invite ada@example.com --group Engineers",
        subcommands: [List.self, Invite.self, Remove.self]
    )

    /// `witan members list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List members, people and service accounts.",
            discussion: "Example: witan members list --group Owners"
        )

        @OptionGroup var options: OrganizationOptions

        @Option(help: "Only those who are in this group directly.")
        var group: String?

        func run() async throws {
            let (users, groups) = try await options.use { place in
                if let group {
                    let ids = try await place.find(.group, group).json.texts("member_users")
                    return (try await place.list(UserResource.resource, ids: ids), try await place.groupsOfUsers())
                }
                return (try await place.list(UserResource.resource), try await place.groupsOfUsers())
            }
            let columns: [Listing.Column] = ["id", "email", "given_name", "family_name", .groups(groups)]
            options.show(users, columns: columns)
        }
    }

    /// `witan members invite`.
    struct Invite: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add people to an organization.",
            discussion: """
                Example: witan members invite ada@example.com bob@example.com --group Engineers

                Whoever is in no group may do nothing but what they are granted themselves. A member stays as they are.
                """
        )

        @OptionGroup var options: OrganizationOptions

        @Argument(help: "The e-mail addresses.")
        var emails: [String]

        @Option(help: "A group to put them into; repeat it for several.")
        var group: [String] = []

        @Flag(help: "Have the running server send each of them a mail.")
        var sendMail = false

        func run() async throws {
            if sendMail, options.place.url == nil {
                throw UsageError("--send-mail goes with --url: a command on the data sends no mail.")
            }
            let (present, outcome) = try await options.use { place in
                let users = try await place.list(UserResource.resource, emails.map { ("email", $0.lowercased()) })
                let outcome = try await place.updateMembers([
                    "invite_users": [
                        "emails": .array(emails.map(JSONValue.string)),
                        "group_names": .array(group.map(JSONValue.string)),
                        "send_invite_emails": .bool(sendMail),
                    ]
                ])
                return (users.compactMap { $0["email"]?.string }, outcome)
            }
            try options.report(outcome, sentences(outcome, whenThere: present).joined(separator: " "))
        }

        private func sentences(_ outcome: JSONObject, whenThere present: [String]) -> [String] {
            let invited = emails.filter { !present.contains($0.lowercased()) }
            var sentences: [String] = []
            if !invited.isEmpty {
                let groups = group.isEmpty ? ", into no group" : " into \(group.joined(separator: ", "))"
                sentences.append("Invited \(invited.joined(separator: ", "))\(groups).")
            }
            for email in emails where present.contains(email.lowercased()) {
                sentences.append("\(email) is a member already; `witan groups add` puts them into a group.")
            }
            if let error = outcome["send_email_error"]?.string {
                sentences.append("No mail was sent: \(error.printable)")
            }
            return sentences
        }
    }

    /// `witan members remove`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove people from an organization, with their keys, groups and grants in it.",
            discussion: "Example: witan members remove bob@example.com"
        )

        @OptionGroup var options: OrganizationOptions

        @Argument(help: "The e-mail addresses.")
        var emails: [String]

        func run() async throws {
            let outcome = try await options.use { place in
                try await place.remove(place.find(.member, emails))
            }
            try options.report(outcome, "Removed \(emails.joined(separator: ", ")).")
        }
    }
}

extension Place {
    /// Takes members out of the organization.
    func remove(_ members: [NamedObject]) async throws -> JSONObject {
        try await updateMembers(["remove_users": ["ids": .array(members.map(\.reference))]])
    }

    /// The names of the groups that each user is in directly, by the users' ids.
    func groupsOfUsers() async throws -> [String: [String]] {
        try await list(GroupResource.resource)
            .reduce(into: [:]) { groups, group in
                for user in group.texts("member_users") {
                    groups[user, default: []].append(group["name"]?.string ?? "-")
                }
            }
    }
}

extension Listing.Column {
    /// The groups of each user.
    static func groups(_ groups: [String: [String]]) -> Listing.Column {
        Listing.Column("groups") { user in groups[user["id"]?.string ?? ""]?.sorted().joined(separator: ", ") }
    }
}
