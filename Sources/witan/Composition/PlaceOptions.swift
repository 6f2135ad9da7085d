import ArgumentParser
import WitanResources
import WitanServices

/// Where a command does its work: on the data of a stopped server, or over the API of a running one.
struct PlaceOptions: ParsableArguments {
    @OptionGroup var data: DataOptions

    @Option(help: "Work on the running server at this URL, with the key in WITAN_API_KEY, instead of on its data.")
    var url: String?

    @Flag(help: "Print JSON.")
    var json = false

    /// Lists a resource, in either place.
    func list(_ resource: Resource, columns: [String]) async throws {
        let listing: Listing
        if let url {
            listing = Listing(answer: try await RemoteServer(url: url).send("GET", resource.path))
        } else {
            listing = try await Installation.use(data, .existing) { installation in
                try await Listing(installation.service(resource).everything())
            }
        }
        listing.show(columns: columns, asJSON: json)
    }
}
