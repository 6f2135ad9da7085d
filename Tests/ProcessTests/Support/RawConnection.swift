import NIOCore
import NIOPosix
import Testing

/// A connection to a server, byte by byte.
final class RawConnection {
    /// An HTTP answer.
    struct Answer: Sendable {
        let status: Int
        let head: String
        let body: String

        /// The value of a header field.
        func header(_ name: String) -> String? {
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
                .map { $0.dropFirst(name.count + 1).trimmingPrefix(while: \.isWhitespace) }.map(String.init)
        }
    }

    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var received = ByteBuffer()

    private init(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    /// Opens a connection for as long as the closure runs.
    static func open<Result: Sendable>(
        to server: ServerProcess,
        _ body: (RawConnection) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: server.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(RawConnection(inbound, outbound))
        }
    }

    /// Sends text as it is.
    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    /// Everything until the server closes the connection.
    func readToEnd() async throws -> String {
        while let part = try await inbound.next() { received.writeImmutableBuffer(part) }
        return received.readString(length: received.readableBytes) ?? ""
    }

    /// The number of bytes until the server closes the connection, with a pause after each part.
    func countToEnd(pausing pause: Duration) async throws -> Int {
        var count = 0
        while let part = try await inbound.next() {
            count += part.readableBytes
            try await Task.sleep(for: pause)
        }
        return count
    }

    /// The next answer, whose length its head gives; nil when the server closes the connection instead.
    func readAnswer() async throws -> Answer? {
        while true {
            let text = String(buffer: received)
            if let end = text.firstRange(of: "\r\n\r\n") {
                let head = String(text[..<end.lowerBound])
                let answer = Answer(
                    status: head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0,
                    head: head,
                    body: ""
                )
                let length = answer.header("content-length").flatMap { Int($0) } ?? 0
                let body = text[end.upperBound...].utf8
                if body.count >= length {
                    received.moveReaderIndex(forwardBy: text[..<end.upperBound].utf8.count + length)
                    return Answer(
                        status: answer.status,
                        head: head,
                        body: String(decoding: body.prefix(length), as: UTF8.self)
                    )
                }
            }
            guard let part = try await inbound.next() else { return nil }
            received.writeImmutableBuffer(part)
        }
    }

    /// Whether the server has closed the connection, without a word, or does so now.
    func isClosedByServer() async throws -> Bool {
        try await readToEnd().isEmpty
    }
}
