import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Testing
import WitanJSON

/// A client of the API.
struct APIClient: Sendable {
    /// An answer.
    struct Answer: Sendable {
        let status: Int
        private let headers: HTTPHeaders
        let text: String

        fileprivate init(status: Int, headers: HTTPHeaders, text: String) {
            self.status = status
            self.headers = headers
            self.text = text
        }

        /// The value of a header field.
        func header(_ name: String) -> String? { headers.first(name: name) }

        /// The body as JSON.
        var json: JSONValue { get throws { try JSONParser.parse(Array(text.utf8)) } }

        /// A member of the body.
        subscript(member: String) -> JSONValue? {
            get throws { try json.object?[member] }
        }
    }

    /// Shared by all tests, and fails at once where nobody listens.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    let url: String
    let key: String

    /// Sends a request.
    func send(_ method: String, _ path: String, body: JSONValue? = nil) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method)
        request.headers.add(name: "authorization", value: "Bearer \(key)")
        if let body { request.body = .bytes(ByteBuffer(bytes: JSONWriter.bytes(of: body))) }
        let response = try await Self.client.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 64 << 20)
        return Answer(status: Int(response.status.code), headers: response.headers, text: String(buffer: bytes))
    }

    /// Asks for a new key.
    func create(_ name: String) async throws -> Answer {
        try await send("POST", "/v1/api_key", body: ["name": .string(name)])
    }

    /// Makes a key and gives its secret.
    func createdKey(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        let answer = try await create(name)
        return try #require(try answer["key"]?.string, "\(answer.text)", sourceLocation: sourceLocation)
    }

    /// The caller's keys, newest first.
    func keys(sourceLocation: SourceLocation = #_sourceLocation) async throws -> [JSONObject] {
        let answer = try await send("GET", "/v1/api_key")
        let objects = try #require(try answer["objects"]?.array, "\(answer.text)", sourceLocation: sourceLocation)
        return objects.compactMap(\.object)
    }

    /// What a client's first call is answered with.
    func loginStatus() async throws -> Int {
        try await send("POST", "/api/apikey/login").status
    }
}
