import Testing
import WitanCore
import WitanJSON
import WitanResources

@Suite("The API document")
struct OpenAPIDocumentTests {
    private static let document = OpenAPIDocument(version: "1.2.3")
    private static let whole = document.document(serverURL: "https://witan.test")

    @Test("every operation id is used once, and every method of a path once")
    func uniqueness() {
        let endpoints = Self.document.endpoints
        #expect(Set(endpoints.map(\.operationID)).count == endpoints.count)
        #expect(Set(endpoints.map { "\($0.method) \($0.path)" }).count == endpoints.count)
        let documented = Self.whole.object?["paths"]?.object?.members.flatMap { $0.value.object?.members ?? [] } ?? []
        #expect(documented.compactMap { $0.value.object?["operationId"]?.string }.count == endpoints.count)
    }

    @Test("every reference of the whole document, and of each part alone, resolves")
    func references() throws {
        for endpoint in Self.document.endpoints {
            let part = Self.document.document(of: [endpoint], serverURL: "https://witan.test")
            try expectReferencesResolve(in: part)
            #expect(part.object?["paths"]?.object?.count == 1)
        }
        #expect(try expectReferencesResolve(in: Self.whole) > 20)
    }

    @Test("every schema that is there is used")
    func unusedSchemas() {
        let text = JSONWriter.string(of: Self.whole)
        let schemas = Self.whole.object?["components"]?.object?["schemas"]?.object?.members ?? []
        #expect(schemas.count >= 5)
        for (name, _) in schemas { #expect(text.contains("\"#/components/schemas/\(name)\""), "\(name)") }
    }

    @Test("every parameter in braces is declared as required, and no other is in the path")
    func pathParameters() {
        for endpoint in Self.document.endpoints {
            let inPath = endpoint.path.split(separator: "/").filter { $0.hasPrefix("{") }
                .map { $0.dropFirst().dropLast() }
            let declared = endpoint.parameters.filter { $0.location == .path }.map(\.name)
            #expect(inPath.map(String.init) == declared, "\(endpoint.path)")
            let names = endpoint.parameters.map(\.name)
            #expect(Set(names).count == names.count)
        }
    }

    @Test("every path of a resource has an OPTIONS, and what is not public says that it can be 401")
    func guards() {
        for resource in Catalog.all {
            let endpoints = resource.endpoints
            for path in Set(endpoints.map(\.path)) {
                #expect(endpoints.contains { $0.path == path && $0.method == .options && $0.isPublic })
            }
            #expect(endpoints.allSatisfy { $0.isPublic == ($0.method == .options) })
        }
        for endpoint in Self.document.endpoints {
            let operation = Self.whole.object?["paths"]?.object?[endpoint.path]?.object?[endpoint.method.rawValue]?
                .object
            #expect((operation?["responses"]?.object?["401"] != nil) == !endpoint.isPublic, "\(endpoint.path)")
            #expect((operation?["security"] == []) == endpoint.isPublic, "\(endpoint.path)")
            #expect(operation?["responses"]?.object?["200"] != nil)
        }
    }

    @Test("every operation of a resource that takes a body describes it, and no other does")
    func bodies() {
        for endpoint in Self.document.endpoints where endpoint.path.hasPrefix("/v1/") {
            let deletesByBody = endpoint.method == .delete && !endpoint.path.hasSuffix("}")
            let takesBody = [.post, .put, .patch].contains(endpoint.method) || deletesByBody
            #expect((endpoint.body != nil) == takesBody, "\(endpoint.path)")
        }
    }

    @Test("the documentation has one page for each operation, which holds its part of the document")
    func pages() throws {
        let pages = DocumentationPages(Self.document, serverURL: "https://witan.test") {
            JSONWriter.string(of: $0) + "\n"
        }
        let endpoints = Self.document.endpoints.filter { $0.method != .options }
        #expect(pages.pages.count == endpoints.count)
        for name in pages.pages.keys {
            #expect(pages.index.contains("(/docs/api-reference/\(name))"), "\(name)")
            #expect(name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/-_.".contains($0)) }, "\(name)")
        }
        let page = try #require(pages.pages["apikeys/create-api_key.md"])
        #expect(page.contains("````yaml openapi.yaml post /v1/api_key\n{\"openapi\":\"3.1.1\""))
        #expect(page.contains("postApiKey"))
        #expect(!page.contains("getApiKeyId"))
    }

    /// Checks each `$ref` below a value and returns how many there are.
    @discardableResult
    private func expectReferencesResolve(in document: JSONValue) throws -> Int {
        var references: [String] = []
        func collect(_ value: JSONValue) {
            switch value {
            case .array(let elements):
                elements.forEach(collect)
            case .object(let object):
                for (name, value) in object.members {
                    if name == "$ref", let text = value.string { references.append(text) }
                    collect(value)
                }
            default:
                break
            }
        }
        collect(document)
        for reference in references {
            let path = reference.split(separator: "/")
            #expect(path.first == "#")
            let target = path.dropFirst().reduce(document as JSONValue?) { $0?.object?[String($1)] }
            #expect(target?.object != nil, "\(reference)")
        }
        return references.count
    }
}
