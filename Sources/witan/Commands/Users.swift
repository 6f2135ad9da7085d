import ArgumentParser
import WitanAccess
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

/// `witan users`: people.
struct Users: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Add and list people, give them tokens and passwords, and let them sign in.",
        discussion: "Example: witan users create --email ada@example.com --organization Acme",
        subcommands: [
            Create.self, List.self, Token.self, SignInLink.self, SetPassword.self, Sessions.self,
        ]
    )

    /// `witan users create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a person to an organization.",
            discussion: """
                Example: witan users create --email ada@example.com --organization Acme --group Engineers

                It works on the data of a stopped server.
                """
        )

        @OptionGroup var data: DataOptions

        @Option(help: "The e-mail address.")
        var email: String

        @Option(help: "The organization's name.")
        var organization: String

        @Option(help: "The given name.")
        var givenName: String?

        @Option(help: "The family name.")
        var familyName: String?

        @Option(help: "A group to put the person into; repeat it for several. Without one: Engineers.")
        var group: [String] = []

        @Flag(help: "Make the person an owner of the organization, as --group Owners does.")
        var owner = false

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let owners = owner ? [BuiltInGroup.owners.name] : []
            let groups = group.isEmpty && !owner ? [BuiltInGroup.engineers.name] : group + owners
            let person = try NewPerson(email: email, givenName: givenName, familyName: familyName)
            let record = try await Installation.use(data, .existing) { installation in
                try await installation.accounts.add(person, to: organization, groups: groups)
            }
            if json {
                print(JSONWriter.string(of: .object(record.jsonObject)))
            } else {
                print("\(person.email) is in \(organization).")
            }
        }
    }

    /// `witan users list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List people.",
            discussion: "Example: witan users list"
        )

        @OptionGroup var place: PlaceOptions

        func run() async throws {
            let columns: [Listing.Column] = ["id", "email", "given_name", "family_name", "created"]
            try await place.list(UserResource.resource, columns: columns)
        }
    }

    /// `witan users token`.
    struct Token: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a JSON Web Token with which a person can call the server for a while.",
            discussion: """
                Example: witan users token ada@example.com --lifetime 30m

                Unlike an API key it acts in all of the person's organizations, and it may make API keys under \
                --key-minting people.
                """
        )

        @OptionGroup var data: DataOptions

        @Argument(help: "The e-mail address.")
        var email: String

        @Option(help: "How long the token is good: at most 12h.")
        var lifetime = "1h"

        func run() async throws {
            // What is wrong with it, the next line says in the command's own words.
            let parsed = try? Setting<Duration>("lifetime", "", default: "1h").parse([lifetime])
            guard let lifetime = parsed, lifetime <= .seconds(12 * 3_600) else {
                throw UsageError("--lifetime must be a time such as 30m, of at most 12h.")
            }
            let token = try await Installation.use(data, .existing) { installation in
                let caller = try await installation.accounts.caller(email: email)
                let account = caller.identity.account
                guard !account.isServiceAccount else {
                    throw UsageError("\(email) is a service account; `witan service-accounts token` makes its tokens.")
                }
                try await installation.audit.recordSignIn(of: account, by: caller, in: installation.database)
                return try ServerComposition.sessions(installation.secrets)
                    .issue(userID: account.userID, email: account.email, lifetime: lifetime)
            }
            try StandardOutput.write(token.text + "\n")
        }
    }
}
