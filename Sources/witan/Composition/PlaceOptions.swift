import ArgumentParser
import WitanJSON
import WitanResources
import WitanServices

/// Where a command does its work: on the data of a stopped server, or over the API of a running one.
struct PlaceOptions: ParsableArguments {
    @OptionGroup var data: DataOptions

    @Option(help: "Work on the running server at this URL, with the key in WITAN_API_KEY, instead of on its data.")
    var url: String?

    @Flag(help: "Print JSON.")
    var json = false

    /// Lists a resource, in either place; on the data of a stopped server, what all organizations have.
    func list(_ resource: Resource, columns: [Listing.Column]) async throws {
        let objects =
            if let url {
                try await RemoteServer(url: url).list(resource)
            } else {
                try await Installation.use(data, .existing) { try await $0.service(resource).everything().objects() }
            }
        Listing(objects).show(columns: columns, asJSON: json)
    }
}
