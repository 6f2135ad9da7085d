import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import WitanCore
import WitanJSON
import WitanResources

/// A running server, spoken to over its API.
struct RemoteServer: Sendable {
    /// An answer.
    struct Answer: Sendable {
        /// Its JSON.
        let json: JSONValue

        /// Whether an object that was to be made was there before.
        let wasFound: Bool

        /// Its JSON as an object.
        var object: JSONObject { json.object ?? [:] }
    }

    /// Says at once that nobody listens; by itself the library would try again for as long as it may take.
    static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    private let url: String
    private let key: String

    /// The organization that calls are about; the key's own when nil.
    private let organization: String?

    /// Takes the server's address, and the key from `WITAN_API_KEY`.
    init(url: String, organization: String? = nil) throws {
        guard let key = ProcessInfo.processInfo.environment["WITAN_API_KEY"], !key.isEmpty else {
            throw UsageError("Set WITAN_API_KEY to an API key of the server at \(url).")
        }
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.key = key
        self.organization = organization
    }

    /// Sends a request and gives the answer.
    ///
    /// - Throws: a `Failure` with the server's own sentence when it refuses.
    func send(_ method: String, _ path: String, body: JSONObject? = nil) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method)
        request.headers.add(name: "authorization", value: "Bearer \(key)")
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: JSONWriter.bytes(of: .object(body))))
        }
        let answer: (status: UInt, wasFound: Bool, bytes: [UInt8])
        do {
            let response = try await Self.client.execute(request, timeout: .seconds(30))
            answer = (
                response.status.code, response.headers.first(name: "x-bt-found-existing") == "true",
                Array(buffer: try await response.body.collect(upTo: 1 << 30))
            )
        } catch {
            throw Self.silence(of: url, error)
        }
        let value = try Self.json(answer.bytes, from: url)
        guard answer.status == 200 else {
            let message = (value.object?["Message"]?.string ?? "it answered \(answer.status)").printable
            throw Failure(.forbidden, "The server refused: \(message)")
        }
        return Answer(json: value, wasFound: answer.wasFound)
    }

    /// What is told of a server that does not answer.
    static func silence(of url: String, _ error: any Error) -> Failure {
        Failure(.unavailable, "The server at \(url) does not answer: check --url and that it runs.", underlying: error)
    }

    /// The JSON of an answer, which all of Witan's answers to commands are.
    static func json(_ bytes: [UInt8], from url: String) throws(Failure) -> JSONValue {
        // What is wrong with it is of no use to somebody who has the wrong address.
        guard let value = try? JSONParser.parse(bytes) else {
            throw Failure(.unavailable, "What answers at \(url) is not a Witan server: it sent no JSON.")
        }
        return value
    }
}

// MARK: - As a place

extension RemoteServer: Place {
    func list(
        _ resource: Resource,
        _ variant: ListRequest.Variant,
        _ query: [(name: String, value: String)]
    ) async throws -> [JSONObject] {
        let path = variant == .own ? resource.path : resource.organizationList?.path ?? resource.path
        let parameters = (query + (organization.map { [("org_name", $0)] } ?? []))
            .map { "\($0.name)=\(PercentEncoding.encode($0.value))" }
        let url = parameters.isEmpty ? path : "\(path)?\(parameters.joined(separator: "&"))"
        let answer = try await send("GET", url)
        return (answer.json.array ?? answer.object["objects"]?.array ?? []).compactMap(\.object)
    }

    func create(_ resource: Resource, _ body: JSONObject) async throws -> (object: JSONObject, wasFound: Bool) {
        let answer = try await send(
            "POST",
            resource.path,
            body: resource.choosesOrganization ? addingOrganization(to: body) : body
        )
        return (answer.object, answer.wasFound)
    }

    func patch(_ resource: Resource, _ id: ObjectID, _ body: JSONObject) async throws -> JSONObject {
        try await send("PATCH", "\(resource.path)/\(id)", body: body).object
    }

    func delete(_ resource: Resource, _ id: ObjectID) async throws -> JSONObject {
        try await send("DELETE", "\(resource.path)/\(id)").object
    }

    func delete(_ resource: Resource, like body: JSONObject) async throws -> JSONObject {
        try await send("DELETE", resource.path, body: body).object
    }

    func updateMembers(_ body: JSONObject) async throws -> JSONObject {
        try await send("PATCH", AccessEndpoints.members.path, body: addingOrganization(to: body)).object
    }

    private func addingOrganization(to body: JSONObject) -> JSONObject {
        var body = body
        if let organization { body["org_name"] = .string(organization) }
        return body
    }
}
