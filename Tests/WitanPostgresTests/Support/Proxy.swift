import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// Stands between a server and its clients, and does to their connections what networks do.
final class Proxy: Sendable {
    /// What it does with what comes.
    enum Mode: Sendable {
        /// It hands it on.
        case open
        /// It keeps it to itself, and the connections open.
        case silent
        /// It hands it on up to a COMMIT, and cuts that connection before it, once.
        case cutsBeforeCommit
        /// It hands the next COMMIT on too, waits for the server's answer, and cuts the connection instead of telling.
        case cutsAfterCommit
    }

    /// Where clients connect: the folder of a socket.
    let folder: String

    /// How many connections were made.
    var connections: Int { accepted.withLock { $0 } }

    fileprivate let mode = Mutex(Mode.open)
    fileprivate let accepted = Mutex(0)
    fileprivate let silenced = Mutex(0)
    private let listener: any Channel

    private init(folder: String, listener: any Channel) {
        self.folder = folder
        self.listener = listener
    }

    /// Stands before the server with its socket in a folder, while `body` uses it.
    static func with<Result>(before server: String, _ body: (Proxy) async throws -> Result) async throws -> Result {
        let folder = "/tmp/witan-proxy.\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer {
            // What stays behind in the system's temporary folder harms nobody.
            try? FileManager.default.removeItem(atPath: folder)
        }
        let name = "/.s.PGSQL.5432"
        let proxy = Mutex<Proxy?>(nil)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                guard let proxy = proxy.withLock({ $0 }) else {
                    return client.eventLoop.makeFailedFuture(ChannelError.eof)
                }
                let number = proxy.accepted.withLock { accepted in
                    accepted += 1
                    return accepted
                }
                return ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            try server.pipeline.syncOperations.addHandler(
                                Relay(proxy, number, to: client, isClient: false)
                            )
                        }
                    }
                    .connect(unixDomainSocketPath: server + name)
                    .flatMapThrowing { server in
                        try client.pipeline.syncOperations.addHandler(Relay(proxy, number, to: server, isClient: true))
                        client.setOption(.autoRead, value: true).whenComplete { _ in }
                    }
            }
            .bind(unixDomainSocketPath: folder + name)
            .get()
        let made = Proxy(folder: folder, listener: listener)
        proxy.withLock { $0 = made }
        do {
            let result = try await body(made)
            try await listener.close()
            return result
        } catch {
            // The test has failed already.
            try? await listener.close()
            throw error
        }
    }

    /// Does otherwise from now on.
    func set(_ mode: Mode) {
        self.mode.withLock { $0 = mode }
    }

    /// Hands on nothing more of the connections that there are; further ones are treated as the mode says.
    func silencePresent() {
        let last = connections
        silenced.withLock { $0 = last }
    }

    /// Whether it has cut what it was to cut.
    var isOpen: Bool { mode.withLock { if case .open = $0 { true } else { false } } }
}

/// One direction of a connection.
private final class Relay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let proxy: Proxy
    private let number: Int
    private let peer: any Channel
    private let isClient: Bool
    private var isCutAtAnswer = false

    init(_ proxy: Proxy, _ number: Int, to peer: any Channel, isClient: Bool) {
        self.proxy = proxy
        self.number = number
        self.peer = peer
        self.isClient = isClient
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard number > proxy.silenced.withLock({ $0 }) else { return }
        let buffer = unwrapInboundIn(data)
        let isCommit = isClient && buffer.readableBytesView.firstRange(of: Array("COMMIT\0".utf8)) != nil
        enum Action { case forward, drop, cut, forwardAndCut }
        let action = proxy.mode.withLock { mode -> Action in
            switch mode {
            case .open: return .forward
            case .silent: return .drop
            case .cutsBeforeCommit:
                guard isCommit else { return .forward }
                mode = .open
                return .cut
            case .cutsAfterCommit:
                guard isCommit else { return .forward }
                mode = .open
                return .forwardAndCut
            }
        }
        switch action {
        case .drop: break
        case .forward:
            if !isCutAtAnswer { peer.writeAndFlush(buffer, promise: nil) }
        case .cut: cut(context.channel)
        case .forwardAndCut:
            do {
                let other = try peer.pipeline.syncOperations.handler(type: Relay.self)
                other.isCutAtAnswer = true
            } catch {
                preconditionFailure("The other direction has no relay")
            }
            peer.writeAndFlush(buffer, promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isCutAtAnswer { cut(context.channel) }
    }

    private func cut(_ channel: any Channel) {
        channel.close(promise: nil)
        peer.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        peer.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
