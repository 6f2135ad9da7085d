import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import WitanCore
import WitanJSON

/// A running server, spoken to over its API.
struct RemoteServer: Sendable {
    /// Says at once that nobody listens; by itself the library would try again for as long as it may take.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    private let url: String
    private let key: String

    /// Takes the server's address, and the key from `WITAN_API_KEY`.
    init(url: String) throws {
        guard let key = ProcessInfo.processInfo.environment["WITAN_API_KEY"], !key.isEmpty else {
            throw UsageError("Set WITAN_API_KEY to an API key of the server at \(url).")
        }
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.key = key
    }

    /// Sends a request and gives the answer's JSON.
    ///
    /// - Throws: a `Failure` with the server's own sentence when it refuses.
    func send(_ method: String, _ path: String, body: JSONValue? = nil) async throws -> JSONValue {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method)
        request.headers.add(name: "authorization", value: "Bearer \(key)")
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: JSONWriter.bytes(of: body)))
        }
        let answer: (status: UInt, bytes: [UInt8])
        do {
            let response = try await Self.client.execute(request, timeout: .seconds(30))
            answer = (response.status.code, Array(buffer: try await response.body.collect(upTo: 1 << 30)))
        } catch {
            throw Failure(
                .unavailable,
                "The server at \(url) does not answer: check --url and that it runs.",
                underlying: error
            )
        }
        // What is wrong with it is of no use to somebody who has the wrong address.
        guard let value = try? JSONParser.parse(answer.bytes) else {
            throw Failure(.unavailable, "What answers at \(url) is not a Witan server: it sent no JSON.")
        }
        guard answer.status == 200 else {
            let message = value.object?["Message"]?.string ?? "it answered \(answer.status)"
            throw Failure(.forbidden, "The server refused: \(message)\(message.hasSuffix(".") ? "" : ".")")
        }
        return value
    }
}
