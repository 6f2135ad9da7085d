import ArgumentParser
import WitanCore
import WitanJSON
import WitanResources

/// `witan service-accounts`: members that are programs, and their tokens.
struct ServiceAccounts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service-accounts",
        abstract: "List, make and delete service accounts and their tokens.",
        discussion: "Example: witan service-accounts create ci --group Engineers --token deploy",
        subcommands: [List.self, Create.self, Token.self, Tokens.self, Revoke.self, Delete.self]
    )

    /// `witan service-accounts list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List service accounts.",
            discussion: "Example: witan service-accounts list"
        )

        @OptionGroup var options: OrganizationOptions

        func run() async throws {
            let (users, groups) = try await options.use { place in
                (try await place.list(UserResource.resource), try await place.groupsOfUsers())
            }
            let name = Listing.Column("name", NamedKind.serviceAccount.name)
            options.show(
                users.filter(\.isServiceAccount),
                columns: ["id", name, "email", .groups(groups), "created"]
            )
        }
    }

    /// `witan service-accounts create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a service account, and with --token a first token, which is printed once.",
            discussion: """
                Example: witan service-accounts create ci --group Engineers --token deploy

                In no group it may do nothing but what it is granted itself.
                """
        )

        @OptionGroup var options: OrganizationOptions

        @Argument(help: "What to call it.")
        var name: String

        @Option(help: "A group to put it into; repeat it for several.")
        var group: [String] = []

        @Option(help: "What to call a first token.")
        var token: String?

        func run() async throws {
            let added = try await options.use { place in
                let users = try await place.list(UserResource.resource, [("given_name", name)])
                guard !users.contains(where: \.isServiceAccount) else { throw isThere }
                var account: JSONObject = ["name": .string(name)]
                account["token_name"] = token.map(JSONValue.string)
                let outcome = try await place.updateMembers([
                    "invite_users": [
                        "service_accounts": [.object(account)], "group_names": .array(group.map(JSONValue.string)),
                    ]
                ])
                guard let added = outcome["added_users"]?.array?.first?.object else { throw isThere }
                return added
            }
            try options.report(added, added["api_key"]?.string ?? "Made the service account \(name).")
        }

        private var isThere: Failure {
            Failure(
                .conflict,
                "There is a service account “\(name)” already; `witan service-accounts token` makes a token for it."
            )
        }
    }

    /// `witan service-accounts token`.
    struct Token: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token for a service account and print it, once.",
            discussion: "Example: witan service-accounts token ci --name deploy"
        )

        @OptionGroup var options: OrganizationOptions

        @Argument(help: "The service account's name.")
        var account: String

        @Option(help: "What to call the token.")
        var name: String

        func run() async throws {
            let token = try await options.use { place in
                let account = try await place.find(.serviceAccount, account)
                return
                    try await place.create(
                        ServiceTokenResource.resource,
                        ["name": .string(name), "service_account_id": account.reference]
                    )
                    .object
            }
            try options.report(token, token["key"]?.string ?? "")
        }
    }

    /// `witan service-accounts tokens`.
    struct Tokens: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the tokens of service accounts.",
            discussion: "Example: witan service-accounts tokens"
        )

        @OptionGroup var options: OrganizationOptions

        func run() async throws {
            let tokens = try await options.use { place in try await place.list(ServiceTokenResource.resource) }
            options.show(tokens, columns: ["id", "name", "preview_name", "service_account_name", "created"])
        }
    }

    /// `witan service-accounts revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a token: from then on it is refused.",
            discussion: "Example: witan service-accounts revoke 0193a5c0-6a3e-7c1b-9f53-2f1f4f1f7a11"
        )

        @OptionGroup var options: OrganizationOptions

        @Argument(help: "The token's id.")
        var id: String

        func run() async throws {
            guard let id = ObjectID(id) else { throw UsageError("“\(id)” is not a token's id, which is a UUID.") }
            let token = try await options.use { place in try await place.delete(ServiceTokenResource.resource, id) }
            try options.report(token, "Revoked \(token["preview_name"]?.string ?? "") (\(id)).")
        }
    }

    /// `witan service-accounts delete`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a service account, with its tokens, groups and grants.",
            discussion: "Example: witan service-accounts delete ci"
        )

        @OptionGroup var options: OrganizationOptions

        @Argument(help: "The service account's name.")
        var name: String

        func run() async throws {
            let outcome = try await options.use { place in
                try await place.remove([place.find(.serviceAccount, name)])
            }
            try options.report(outcome, "Deleted the service account \(name).")
        }
    }
}
