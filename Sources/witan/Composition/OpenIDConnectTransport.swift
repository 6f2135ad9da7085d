import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import WitanCore
import WitanServices

/// Speaks with an identity provider over HTTP.
struct OpenIDConnectTransport: Sendable {
    /// The whole answer was not there in time.
    struct TimedOut: Error {}

    let limits: Limits

    /// Sends a request and gives the answer, a redirect as any other.
    ///
    /// - Throws: whatever the library does, `TimedOut`, or `NIOTooManyBytesError`, none of which holds the request.
    func fetch(_ request: OpenIDConnectRequest) async throws -> (status: Int, body: [UInt8]) {
        try await withThrowingTaskGroup(of: (status: Int, body: [UInt8])?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await send(request) }
            // The library's own deadline ends with the answer's head; the body could trickle on for ever.
            group.addTask {
                try await Task.sleep(for: limits.identityProviderDuration)
                return nil
            }
            guard let first = try await group.next(), let answer = first else { throw TimedOut() }
            return answer
        }
    }

    private func send(_ request: OpenIDConnectRequest) async throws -> (status: Int, body: [UInt8]) {
        var message = HTTPClientRequest(url: request.url)
        message.method = HTTPMethod(rawValue: request.method.rawValue)
        message.headers.add(name: "User-Agent", value: "Witan/\(Witan.version)")
        for header in request.headers {
            message.headers.add(name: header.name, value: header.value)
        }
        if !request.body.isEmpty { message.body = .bytes(ByteBuffer(bytes: request.body)) }
        let response = try await Self.client.execute(message, timeout: TimeAmount(limits.identityProviderDuration))
        let body = try await response.body.collect(upTo: limits.identityProviderBytes)
        return (Int(response.status.code), Array(buffer: body))
    }

    /// A client that follows no redirect: a code, a secret or a token must go where the provider's document says.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()
}
