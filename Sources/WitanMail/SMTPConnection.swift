import NIOCore
import NIOPosix
import NIOSSL
import WitanCore

/// A connection to a mail server that ends by itself when its time is over.
///
/// No wait outlasts `end`: neither for the connection to come about, nor for a reply.
struct SMTPConnection: Sendable {
    private typealias Handler = NIOLoopBound<SMTPChannelHandler>

    private let opened: EventLoopPromise<Handler>
    private let alarm: Scheduled<Void>

    /// Begins to connect.
    init(to server: SMTPServer, tls: NIOSSLContext?, limits: SMTPLimits) {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let time = TimeAmount.nanoseconds(limits.duration.nanoseconds)
        let opened = eventLoop.makePromise(of: Handler.self)
        let connecting = ClientBootstrap(group: eventLoop)
            // The alarm comes first, whatever the connection waits for.
            .connectTimeout(time + .seconds(1))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = SMTPChannelHandler(server: server, tls: tls, limits: limits, opened: opened)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    if server.security == .tls { try handler.secure() }
                }
            }
            .connect(host: server.host, port: server.port)
        connecting.whenFailure { error in
            opened.fail(
                server.failure("could not be reached; check its address, and that it listens", underlying: error)
            )
        }
        // The connection may still come about when nobody waits for it any longer.
        opened.futureResult.whenFailure { _ in connecting.whenSuccess { $0.close(promise: nil) } }
        self.opened = opened
        alarm = eventLoop.scheduleTask(in: time) {
            let failure = server.failure("did not answer in time; all had to be done within \(limits.duration)")
            Self.end(opened, failure)
        }
    }

    /// What the server says first.
    func greeting() async throws(Failure) -> SMTPReply {
        try await reply(opened.futureResult.flatMap { $0.value.greeting })
    }

    /// Sends bytes; the reply to them.
    func exchange(_ bytes: ByteBuffer, startsTLS: Bool = false) async throws(Failure) -> SMTPReply {
        try await reply(opened.futureResult.flatMap { $0.value.exchange(bytes, startsTLS: startsTLS) })
    }

    /// Closes the connection, or gives up connecting; whoever waits is told why.
    func end(_ failure: Failure) {
        alarm.cancel()
        Self.end(opened, failure)
    }

    private static func end(_ opened: EventLoopPromise<Handler>, _ failure: Failure) {
        opened.fail(failure)
        opened.futureResult.whenSuccess { $0.value.end(failure) }
    }

    private func reply(_ future: EventLoopFuture<SMTPReply>) async throws(Failure) -> SMTPReply {
        do {
            return try await future.get()
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure.bug("An SMTP connection failed without a reason", underlying: error)
        }
    }
}
