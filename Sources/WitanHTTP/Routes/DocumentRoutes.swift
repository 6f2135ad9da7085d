import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import WitanCore
import WitanJSON
import WitanResources

/// The API document and the documentation pages, made when they are first asked for.
struct DocumentRoutes: Sendable {
    /// What is served, ready to send.
    private final class Documents: Sendable {
        let json: ByteBuffer
        let yaml: ByteBuffer
        let pages: DocumentationPages

        init(_ document: OpenAPIDocument, serverURL: String) throws {
            let value = document.document(serverURL: serverURL)
            json = ByteBuffer(bytes: JSONWriter.bytes(of: value, pretty: true))
            yaml = ByteBuffer(string: try YAML.string(of: value))
            pages = try DocumentationPages(document, serverURL: serverURL) { try YAML.string(of: $0) }
        }
    }

    let document: OpenAPIDocument
    let publicURL: PublicURL

    private let made = Made()

    /// The documents, once somebody has asked for them: most servers never make them.
    private final class Made: Sendable {
        let documents = AtomicLazyReference<Documents>()
    }

    init(_ document: OpenAPIDocument, publicURL: PublicURL) {
        self.document = document
        self.publicURL = publicURL
    }

    var routes: [Route] {
        [
            Route(
                SystemEndpoints.documentJSON,
                .open { _, _ in Self.answer(try documents().json, "application/json") }
            ),
            Route(
                SystemEndpoints.documentYAML,
                .open { _, _ in Self.answer(try documents().yaml, "application/yaml") }
            ),
            Route(SystemEndpoints.documentationIndex, .open { _, _ in .text(try documents().pages.index) }),
            Route(SystemEndpoints.documentationPage, .open(page)),
        ]
    }

    @Sendable
    private func page(_ request: Request, _ context: WitanRequestContext) throws -> Response {
        let tag = context.parameters.get("tag") ?? ""
        let name = context.parameters.get("page") ?? ""
        guard let page = try documents().pages.pages["\(tag)/\(name)"] else {
            throw Failure(.notFound, "There is no such page; GET /docs/llms.txt lists them all.")
        }
        return .text(page, mediaType: "text/markdown")
    }

    private func documents() throws -> Documents {
        if let documents = made.documents.load() { return documents }
        return made.documents.storeIfNil(try Documents(document, serverURL: publicURL.text))
    }

    private static func answer(_ bytes: ByteBuffer, _ mediaType: String) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "\(mediaType); charset=utf-8"],
            body: ResponseBody(byteBuffer: bytes)
        )
    }
}
