import NIOCore
import NIOSSL
import WitanCore

/// The end of a connection that sends a command and gives its reply, strictly one after the other.
///
/// A byte from the server that nobody has asked for ends the connection. With the command STARTTLS, this is also what
/// keeps a stranger from slipping in replies that would count as the server's own under TLS: TLS begins within the read
/// of the reply's last byte, and nothing may stand behind that.
final class SMTPChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case awaiting(EventLoopPromise<SMTPReply>, startsTLS: Bool)
        case idle
        case ended(Failure)
    }

    /// What the server says first.
    let greeting: EventLoopFuture<SMTPReply>

    private let server: SMTPServer
    private let tls: NIOSSLContext?
    private let eventLoop: any EventLoop
    private let opened: EventLoopPromise<NIOLoopBound<SMTPChannelHandler>>
    private var parser: SMTPReplyParser
    private var state: State
    private var context: ChannelHandlerContext?

    /// Takes a promise to keep when the connection comes about.
    ///
    /// Only then does it have a handler: several addresses of a name are tried at once. Later could be too late, for a
    /// server may greet and leave within a moment.
    init(
        server: SMTPServer,
        tls: NIOSSLContext?,
        limits: SMTPLimits,
        opened: EventLoopPromise<NIOLoopBound<SMTPChannelHandler>>
    ) {
        let eventLoop = opened.futureResult.eventLoop
        let greeting = eventLoop.makePromise(of: SMTPReply.self)
        self.greeting = greeting.futureResult
        self.server = server
        self.tls = tls
        self.eventLoop = eventLoop
        self.opened = opened
        parser = SMTPReplyParser(limits: limits)
        state = .awaiting(greeting, startsTLS: false)
    }

    /// The reply to bytes, which are sent; with `startsTLS`, the handshake follows a reply that agrees.
    func exchange(_ bytes: ByteBuffer, startsTLS: Bool) -> EventLoopFuture<SMTPReply> {
        switch state {
        case .ended(let failure): return eventLoop.makeFailedFuture(failure)
        case .awaiting: return eventLoop.makeFailedFuture(Failure.bug("Two SMTP commands at once"))
        case .idle:
            let reply = eventLoop.makePromise(of: SMTPReply.self)
            state = .awaiting(reply, startsTLS: startsTLS)
            context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
            return reply.futureResult
        }
    }

    /// Closes the connection, for the first reason that is given; further commands fail with it.
    func end(_ failure: Failure) {
        let before = state
        if case .ended = before { return }
        state = .ended(failure)
        if case .awaiting(let reply, _) = before { reply.fail(failure) }
        context?.close(promise: nil)
    }

    /// Begins TLS, with a certificate that must be for the server's name, or for its address when it has none.
    func secure() throws {
        guard let tls else { return }
        let name = HostName.address(server.host) == nil ? server.host : nil
        let handler = try NIOSSLClientHandler(context: tls, serverHostname: name)
        try context?.pipeline.syncOperations.addHandler(handler, position: .first)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        end(server.closed)
    }

    func channelActive(context: ChannelHandlerContext) {
        opened.succeed(NIOLoopBound(self, eventLoop: eventLoop))
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(server.closed)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var beginsTLS = false
        for byte in unwrapInboundIn(data).readableBytesView {
            guard case .awaiting(let promise, let startsTLS) = state else {
                return end(server.failure("sent more than it was asked for"))
            }
            do throws(SMTPReplyParser.Refusal) {
                guard let reply = try parser.consume(byte) else { continue }
                state = .idle
                beginsTLS = startsTLS && reply.isCompletion
                promise.succeed(reply)
            } catch {
                return end(server.failure(error.clause))
            }
        }
        guard beginsTLS else { return }
        do {
            try secure()
        } catch {
            end(server.failure(securing: error))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOSSLError.uncleanShutdown: end(server.closed)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: end(server.failure(securing: error))
        default: end(server.failure("could not be heard any longer", underlying: error))
        }
    }
}

extension SMTPServer {
    /// That the server, or the network, ended the connection.
    fileprivate var closed: Failure { failure("closed the connection") }

    fileprivate func failure(securing error: any Error) -> Failure {
        failure(
            "could not be reached over TLS; its certificate must be for this name and from a trusted authority",
            underlying: error
        )
    }
}
