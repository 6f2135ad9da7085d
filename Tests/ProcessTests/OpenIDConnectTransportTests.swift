import NIOCore
import NIOPosix
import Testing
import WitanCore
import WitanServices

@testable import witan

extension ProcessTests {
    @Suite("The client of an identity provider, over HTTP", .timeLimit(.minutes(5)))
    struct OpenIDConnectTransportTests {
        @Test("An answer comes as it was sent, and a redirect is one too")
        func answers() async throws {
            try await Script.serving("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") { url in
                let answer = try await fetch(url)
                #expect(answer.status == 200 && answer.body == Array("{}".utf8))
            }
            try await Script.serving("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n") {
                url async throws in
                #expect(try await fetch(url).status == 302)
            }
        }

        @Test("A body that is longer than the limit is not read to its end", arguments: [true, false])
        func huge(isAnnounced: Bool) async throws {
            let head = isAnnounced ? "Content-Length: 4096" : "Connection: close"
            let body = String(repeating: "a", count: 4_096)
            try await Script.serving("HTTP/1.1 200 OK\r\n\(head)\r\n\r\n\(body)") { url async throws in
                await #expect(throws: NIOTooManyBytesError.self) { try await fetch(url) }
            }
        }

        @Test(
            "An answer that does not come, or not to its end, ends with the time limit",
            arguments: ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
        )
        func slow(text: String) async throws {
            try await Script.serving(text) { url async throws in
                await #expect(throws: (any Error).self) { try await fetch(url, .milliseconds(50)) }
            }
        }

        @Test("Nobody who listens, and what is no HTTP, are errors")
        func away() async throws {
            var closed = ""
            try await Script.serving("what is it?\r\n\r\n") { url in
                closed = url
                await #expect(throws: (any Error).self) { try await fetch(url) }
            }
            await #expect(throws: (any Error).self) { try await fetch(closed) }
        }

        private func fetch(
            _ url: String,
            _ duration: Duration = .seconds(30)
        ) async throws -> (status: Int, body: [UInt8]) {
            var limits = Limits()
            limits.identityProviderDuration = duration
            limits.identityProviderBytes = 1_024
            let request = try await Self.request(to: url)
            return try await OpenIDConnectTransport(limits: limits).fetch(request)
        }

        /// The request for what a provider says of itself.
        private static func request(to issuer: String) async throws -> OpenIDConnectRequest {
            let (requests, sent) = AsyncStream.makeStream(of: OpenIDConnectRequest.self)
            let client = try OpenIDConnectClient(
                configuration: OpenIDConnectConfiguration(issuer: issuer, clientID: "test"),
                time: .system,
                random: .system,
                onFailure: { _ in },
                fetch: { request in
                    sent.yield(request)
                    throw CancellationError()
                }
            )
            await #expect(throws: Failure.self) { try await client.begin(redirectURL: issuer) }
            return try #require(await requests.first { _ in true })
        }
    }
}

/// A server that answers every connection's first bytes with one text, and then keeps it open.
private final class Script: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let text: String
    private var hasAnswered = false

    init(_ text: String) {
        self.text = text
    }

    static func serving(_ text: String, _ body: (_ url: String) async throws -> Void) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Script(text))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await body("http://127.0.0.1:\(channel.localAddress?.port ?? 0)")
        } catch {
            try await channel.close()
            throw error
        }
        try await channel.close()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasAnswered else { return }
        hasAnswered = true
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        if text.contains("Connection: close") { context.close(promise: nil) }
    }
}
