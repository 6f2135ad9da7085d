import NIOCore
import NIOPosix
import NIOSSL

/// A mail server that says what a test tells it to, one answer for its greeting and for each line that it hears.
///
/// After an answer of 354, a whole message counts as a line. QUIT is answered by itself when the script is over.
struct ScriptedServer: Sendable {
    enum Answer: Sendable {
        /// One line or several, without the last line's end.
        case say(String)

        /// The same, and then the handshake.
        case beginTLS(String)

        /// Nothing, but the test hears of it.
        case silence(@Sendable () -> Void = {})

        /// Bytes again and again, as long as somebody takes them.
        case flood(String)

        /// The end, perhaps after some words.
        case close(saying: String = "")
    }

    var tls: NIOSSLContext?
    var isImplicitTLS = false
    var splitsBytes = false

    /// Serves one connection while `body` runs; what `body` gave, and the lines that the server heard.
    func run<Result: Sendable>(
        _ answers: [Answer],
        _ body: (_ port: Int) async throws -> Result
    ) async throws -> (result: Result, heard: [String]) {
        let (heard, ear) = AsyncStream.makeStream(of: String.self)
        let server = self
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let script = Script(server, answers[...], ear)
                    try channel.pipeline.syncOperations.addHandler(script)
                    if server.isImplicitTLS { try script.beginTLS(on: channel) }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result: Result
        do {
            result = try await body(channel.localAddress?.port ?? 0)
        } catch {
            try await channel.close()
            throw error
        }
        var lines: [String] = []
        for await line in heard { lines.append(line) }
        try await channel.close()
        return (result, lines)
    }
}

private final class Script: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: ScriptedServer
    private let ear: AsyncStream<String>.Continuation
    private var answers: ArraySlice<ScriptedServer.Answer>
    private var input = ""
    private var isInMessage = false

    init(
        _ server: ScriptedServer,
        _ answers: ArraySlice<ScriptedServer.Answer>,
        _ ear: AsyncStream<String>.Continuation
    ) {
        self.server = server
        self.answers = answers
        self.ear = ear
    }

    func channelActive(context: ChannelHandlerContext) {
        answer(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ear.finish()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input += String(buffer: unwrapInboundIn(data))
        while let end = input.firstRange(of: isInMessage ? "\r\n.\r\n" : "\r\n") {
            let line = String(input[..<end.lowerBound])
            input = String(input[end.upperBound...])
            isInMessage = false
            ear.yield(line)
            if line == "QUIT", answers.isEmpty { answers = [.close(saying: "221 Bye\r\n")] }
            answer(context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A client that does not like the certificate leaves in the middle of the handshake.
        context.close(promise: nil)
    }

    func beginTLS(on channel: any Channel) throws {
        guard let tls = server.tls else { return }
        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls), position: .first)
    }

    private func answer(_ context: ChannelHandlerContext) {
        switch answers.popFirst() {
        case .say(let text):
            isInMessage = text.hasPrefix("354")
            say(text + "\r\n", context)
        case .beginTLS(let text):
            say(text + "\r\n", context)
            do {
                try beginTLS(on: context.channel)
            } catch {
                context.close(promise: nil)
            }
        case .silence(let hook): hook()
        case .flood(let text):
            // In large pieces, for the loop that writes them may be the client's too.
            let bytes = ByteBuffer(string: String(repeating: text, count: 10_000))
            flood(bytes, NIOLoopBound(context, eventLoop: context.eventLoop))
        case .close(let words):
            say(words, context)
            context.close(promise: nil)
        case nil: context.close(promise: nil)
        }
    }

    private func say(_ text: String, _ context: ChannelHandlerContext) {
        guard server.splitsBytes else {
            return context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }
        for byte in text.utf8 {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [byte])), promise: nil)
        }
    }

    private func flood(_ bytes: ByteBuffer, _ context: NIOLoopBound<ChannelHandlerContext>) {
        let (script, eventLoop) = (NIOLoopBound(self, eventLoop: context.eventLoop), context.eventLoop)
        context.value.writeAndFlush(wrapOutboundOut(bytes))
            .whenSuccess { eventLoop.execute { script.value.flood(bytes, context) } }
    }
}
