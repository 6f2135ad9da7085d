import NIOCore
import NIOTLS
import WitanCore
import WitanTelemetry

/// Bounds how long a connection may take for its TLS handshake, stay without a request, and leave its answers unread.
///
/// It counts the open connections, too. It sits in front of whatever speaks HTTP, behind TLS, whose end of handshake it
/// waits for. An HTTP/1.1 connection's time between requests is left to the HTTP server.
final class ConnectionGuardHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let maximumHandshakeDuration: TimeAmount
    private let maximumIdleDuration: TimeAmount
    private let maximumStallDuration: TimeAmount
    private let connections: Gauge
    private let isSecure: Bool
    private var openStreams = 0
    private var unusedUntil: NIODeadline?
    private var unsentBytes = 0
    private var sentAt = NIODeadline.now()
    private var watch: RepeatedTask?

    /// How long an HTTP/2 client may take to answer the GOAWAY that ends an idle connection.
    private static let farewell = TimeAmount.seconds(2)

    init(limits: Limits, connections: Gauge, isSecure: Bool) {
        maximumHandshakeDuration = TimeAmount(min(limits.requestHeadDuration, limits.requestDuration))
        maximumIdleDuration = TimeAmount(limits.idleConnectionDuration)
        maximumStallDuration = TimeAmount(limits.requestDuration)
        self.connections = connections
        self.isSecure = isSecure
    }

    func handlerAdded(context: ChannelHandlerContext) {
        connections.add(1)
        if isSecure { unusedUntil = .now() + maximumHandshakeDuration }
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        let handler = NIOLoopBound(self, eventLoop: context.value.eventLoop)
        watch = context.value.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            handler.value.look(context.value)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connections.add(-1)
        watch?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        watch?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            unusedUntil = negotiated == "h2" ? idleDeadline : nil
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// It changes to writable only by sending.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { sentAt = .now() }
        context.fireChannelWritabilityChanged()
    }

    /// Notes that an HTTP/2 stream has been opened on the connection.
    func streamOpened() {
        openStreams += 1
        unusedUntil = nil
    }

    /// Notes that an HTTP/2 stream of the connection has been closed.
    func streamClosed() {
        openStreams -= 1
        if openStreams == 0 { unusedUntil = idleDeadline }
    }

    private var idleDeadline: NIODeadline { .now() + maximumIdleDuration + Self.farewell }

    private func look(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        if isStalled(context.channel, now) || unusedUntil.map({ $0 < now }) == true {
            context.close(promise: nil)
        }
    }

    /// Whether bytes wait to be sent and none has been for too long.
    private func isStalled(_ channel: any Channel, _ now: NIODeadline) -> Bool {
        // A socket tells always; another channel, of a test, has nothing to send.
        let unsent = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if unsent == 0 || unsent < unsentBytes { sentAt = now }
        unsentBytes = unsent
        return now - sentAt > maximumStallDuration
    }
}
