import ArgumentParser
import WitanCore
import WitanJSON
import WitanResources
import WitanServices

/// `witan init`: the first organization, its owner and a key.
struct Initialize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make an organization, its owner and the owner's first API key.",
        discussion: """
            Example: witan init --organization Acme --email ada@example.com

            The key is printed once. The command refuses when the organization is there already.
            """
    )

    @OptionGroup var data: DataOptions

    @Option(help: "The organization's name.")
    var organization: String

    @Option(help: "The owner's e-mail address.")
    var email: String

    @Option(help: "The owner's given name.")
    var givenName: String?

    @Option(help: "The owner's family name.")
    var familyName: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let person = try NewPerson(email: email, givenName: givenName, familyName: familyName)
        let founded = try await Installation.use(data, .create) { installation in
            try await installation.accounts.found(organization, owner: person, keyName: Defaults.keyName)
        }
        let report = FoundingReport(founded)
        try StandardOutput.write(json ? report.json + "\n" : report.text)
    }

    /// What `witan serve` makes of an empty data folder.
    enum Defaults {
        static let organization = "default"
        static let email = "owner@localhost"
        static let keyName = "first key"

        static func found(in installation: Installation) async throws -> AccountService.Founded {
            try await installation.accounts.found(
                organization,
                owner: NewPerson(email: email),
                keyName: keyName
            )
        }
    }
}

/// What a founding made, for a person and for a program.
struct FoundingReport {
    private let founded: AccountService.Founded

    init(_ founded: AccountService.Founded) {
        self.founded = founded
    }

    private var secret: String? { founded.key?.revealed.first?.value }

    var text: String {
        let organization = founded.organization[OrganizationResource.name] ?? ""
        let email = founded.owner[UserResource.email] ?? ""
        var text = """

              Organization  \(organization)
              Owner         \(email)

            """
        if let secret {
            text += """
                  API key       \(secret)

                  The key is shown this once. Keep it, for example with

                  export BRAINTRUST_API_KEY=\(secret)


                """
        }
        return text
    }

    var json: String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("organization")
        founded.organization.write(to: &writer)
        writer.name("user")
        founded.owner.write(to: &writer)
        if let key = founded.key {
            writer.name("api_key")
            key.record.write(to: &writer, adding: key.revealed)
        }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
