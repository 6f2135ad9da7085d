package import WitanJSON

/// The documentation as Markdown: an index for language models and people, and a page for each operation that carries
/// its part of the API document (the form of the published page of `POST /v1/api_key`).
package struct DocumentationPages: Sendable {
    /// The index, `/docs/llms.txt`.
    package let index: String

    /// The pages by `tag/page.md`.
    package let pages: [String: String]

    /// Makes the pages of a document; `yaml` writes a value as YAML.
    package init(_ document: OpenAPIDocument, serverURL: String, yaml: (JSONValue) throws -> String) rethrows {
        var index = "# Witan\n\n> The Braintrust API in your own environment.\n\n## Docs\n\n"
        var pages: [String: String] = [:]
        for endpoint in document.endpoints where endpoint.method != .options {
            let name = Self.name(of: endpoint)
            index += "- [\(endpoint.summary)](/docs/api-reference/\(name)): \(endpoint.description)\n"
            pages[name] = """
                > ## Documentation index
                > All pages are listed at /docs/llms.txt.

                # \(endpoint.summary)

                > \(endpoint.description)

                ## OpenAPI

                ````yaml openapi.yaml \(endpoint.method.rawValue) \(endpoint.path)
                \(try yaml(document.document(of: [endpoint], serverURL: serverURL)))````

                """
        }
        index += "\n## OpenAPI\n\n- [openapi.json](/openapi.json)\n- [openapi.yaml](/openapi.yaml)\n"
        self.index = index
        self.pages = pages
    }

    /// `apikeys/create-api_key.md`: the tag without what is not a letter, and the summary with dashes.
    private static func name(of endpoint: Endpoint) -> String {
        let tag = endpoint.tag.lowercased().filter { $0.isLetter || $0.isNumber }
        let page = endpoint.summary.lowercased().filter { $0 != "'" }.split(separator: " ").joined(separator: "-")
        return "\(tag)/\(page).md"
    }
}
