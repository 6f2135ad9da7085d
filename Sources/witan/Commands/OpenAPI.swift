import ArgumentParser
import WitanHTTP
import WitanJSON
import WitanResources

/// `witan openapi`: the API document.
struct OpenAPI: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "openapi",
        abstract: "Print the API document.",
        discussion: "Example: witan openapi --yaml > openapi.yaml"
    )

    @Flag(help: "Print YAML instead of JSON.")
    var yaml = false

    @Option(help: "The server's address in the document.")
    var publicURL = "http://127.0.0.1:8000"

    func run() throws {
        let document = OpenAPIDocument(version: Witan.version).document(serverURL: publicURL)
        print(yaml ? try YAML.string(of: document) : JSONWriter.string(of: document, pretty: true))
    }
}
