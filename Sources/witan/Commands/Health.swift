import ArgumentParser
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import WitanCore
import WitanJSON

/// `witan health`: whether a running server can serve.
struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a running server whether it can serve.",
        discussion: """
            Example: witan health --url http://127.0.0.1:8000

            It asks /readyz, without a key. Exit code 1 when the server is stopping, when its database is away, and when it does not answer within five seconds.
            """
    )

    @Option(help: "The server's address.")
    var url = "http://127.0.0.1:8000"

    func run() async throws {
        let (status, bytes) = try await ready()
        let answer = try RemoteServer.json(bytes, from: url)
        guard status == .ok else {
            let message = (answer.object?["Message"]?.string ?? "it answered \(status.code)").printable
            throw Failure(.unavailable, "The server at \(url) cannot serve: \(message)")
        }
        print("The server at \(url) can serve.")
    }

    private func ready() async throws -> (HTTPResponseStatus, [UInt8]) {
        let request = HTTPClientRequest(url: (url.hasSuffix("/") ? String(url.dropLast()) : url) + "/readyz")
        do {
            let response = try await RemoteServer.client.execute(request, timeout: .seconds(5))
            return (response.status, Array(buffer: try await response.body.collect(upTo: 64 << 10)))
        } catch {
            throw RemoteServer.silence(of: url, error)
        }
    }
}
