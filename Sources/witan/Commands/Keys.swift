import ArgumentParser
import WitanCore
import WitanJSON
import WitanResources
import WitanServices

/// `witan keys`: API keys.
struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, list and revoke API keys.",
        discussion: "Example: witan keys create --name ci --email ada@example.com",
        subcommands: [Create.self, List.self, Revoke.self]
    )

    private static let columns: [Listing.Column] = ["id", "name", "preview_name", "user_email", "created"]

    /// `witan keys create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an API key and print it, once.",
            discussion: """
                Example: witan keys create --name ci --email ada@example.com

                Over a running server the key is for the caller, and --email is not given.
                """
        )

        @OptionGroup var place: PlaceOptions

        @Option(help: "What to call the key.")
        var name: String

        @Option(help: "The e-mail address of the person the key is for.")
        var email: String?

        @Option(help: "The organization's name, for a person who is in several.")
        var organization: String?

        func run() async throws {
            var body: JSONObject = ["name": .string(name)]
            if let organization { body["org_name"] = .string(organization) }
            let object: JSONObject
            if let url = place.url {
                guard email == nil else {
                    throw UsageError("--email goes with the data of a stopped server, not with --url.")
                }
                object = try await RemoteServer(url: url).create(APIKeyResource.resource, body).object
            } else {
                guard let email else { throw UsageError("--email must name the person the key is for.") }
                let created = try await Installation.use(place.data, .existing) { installation in
                    let caller = try await installation.accounts.caller(email: email)
                    return try await installation.service(APIKeyResource.resource).create(.object(body), for: caller)
                }
                object = created.jsonObject
            }
            if place.json {
                try StandardOutput.write(JSONWriter.string(of: .object(object)) + "\n")
            } else {
                try StandardOutput.write((object[APIKeyResource.secretMember]?.string ?? "") + "\n")
            }
        }
    }

    /// `witan keys list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List API keys.",
            discussion: """
                Example: witan keys list --json

                On the data of a stopped server these are all keys; over a running one, the caller's own.
                """
        )

        @OptionGroup var place: PlaceOptions

        func run() async throws {
            try await place.list(APIKeyResource.resource, columns: Keys.columns)
        }
    }

    /// `witan keys revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke an API key: from then on it is refused.",
            discussion: "Example: witan keys revoke 0193a5c0-6a3e-7c1b-9f53-2f1f4f1f7a11"
        )

        @OptionGroup var place: PlaceOptions

        @Argument(help: "The key's id.")
        var id: String

        func run() async throws {
            guard let id = ObjectID(id) else { throw UsageError("“\(id)” is not a key's id, which is a UUID.") }
            let object: JSONObject
            if let url = place.url {
                object = try await RemoteServer(url: url).delete(APIKeyResource.resource, id)
            } else {
                object = try await Installation.use(place.data, .existing) { installation in
                    let keys = installation.service(APIKeyResource.resource)
                    guard let owner = try await keys.find(id)?[APIKeyResource.user],
                        let caller = try await installation.accounts.caller(userID: owner)
                    else {
                        throw Failure(
                            .notFound,
                            "There is no key with the id \(id); `witan keys list` shows those that are there."
                        )
                    }
                    return try await keys.delete(id, for: caller).jsonObject
                }
            }
            if place.json {
                print(JSONWriter.string(of: .object(object)))
            } else {
                print("Revoked \(object["preview_name"]?.string ?? "") (\(id)).")
            }
        }
    }
}
