import HTTPTypes
import NIOCore
import NIOHTTPTypes
import WitanCore

/// A request that did not arrive in time.
struct RequestTooSlow: Error {}

/// Bounds how long a request may take to arrive, how much of it is read, and how long a stream's answer may be unread.
///
/// A body beyond the limit is not read: what is left of it is thrown away while the refusal goes out, for a moment, so
/// that the client sees the refusal rather than a reset connection; then the connection closes.
///
/// One timer per connection looks at the request in hand once a second, so that a request costs no timer of its own.
final class RequestGuardHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let maximumBodyBytes: Int
    private let maximumDuration: TimeAmount
    private let maximumHeadDuration: TimeAmount
    private var begunAt: NIODeadline?
    private var headBegunAt: NIODeadline?
    private var hasReadPart = false
    private var bodyBytes = 0
    private var isExcessive = false
    private var watch: RepeatedTask?
    private var unsentSince: NIODeadline?

    private static let lingering = TimeAmount.seconds(2)

    init(limits: Limits) {
        maximumBodyBytes = limits.requestBodyBytes
        maximumDuration = TimeAmount(limits.requestDuration)
        maximumHeadDuration = TimeAmount(min(limits.requestHeadDuration, limits.requestDuration))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        connection(of: context)?.streamOpened()
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        let handler = NIOLoopBound(self, eventLoop: context.value.eventLoop)
        watch = context.value.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            handler.value.look(context.value)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connection(of: context)?.streamClosed()
        watch?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        watch?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasReadPart = true
        switch unwrapInboundIn(data) {
        case .head(let head):
            headBegunAt = nil
            begunAt = .now()
            bodyBytes = 0
            if let length = head.headerFields[.contentLength].flatMap({ Int($0) }), length > maximumBodyBytes {
                refuseRest(context, data)
                return
            }
            if head.headerFields[.expect]?.lowercased() == "100-continue" {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body(let buffer):
            guard !isExcessive else { return }
            bodyBytes += buffer.readableBytes
            if bodyBytes > maximumBodyBytes {
                refuseRest(context, data)
                return
            }
        case .end:
            guard !isExcessive else { return }
            begunAt = nil
        }
        context.fireChannelRead(data)
    }

    /// What was read and made no part between two requests is the beginning of a head.
    func channelReadComplete(context: ChannelHandlerContext) {
        if !hasReadPart, begunAt == nil, headBegunAt == nil { headBegunAt = .now() }
        hasReadPart = false
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where isExcessive && !isStream(context):
            head.headerFields[.connection] = "close"
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end where isExcessive:
            context.writeAndFlush(data, promise: promise)
            linger(context)
        default:
            context.write(data, promise: promise)
        }
    }

    /// A stream whose client grants no window is stalled while its connection may be busy with others.
    ///
    /// An answer too short to change this is left to the HTTP server's idle time.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isStream(context) { unsentSince = context.channel.isWritable ? nil : .now() }
        context.fireChannelWritabilityChanged()
    }

    /// What guards the HTTP/2 connection whose stream this is; nil for an HTTP/1.1 connection.
    private func connection(of context: ChannelHandlerContext) -> ConnectionGuardHandler? {
        guard isStream(context) else { return nil }
        // A connection that is being torn down has none any more and nothing to be told.
        return try? context.channel.parent?.pipeline.syncOperations.handler(type: ConnectionGuardHandler.self)
    }

    /// Whether this is a stream of an HTTP/2 connection, whose headers speak of no connection (RFC 9113, 8.2.2).
    private func isStream(_ context: ChannelHandlerContext) -> Bool {
        context.channel.parent?.parent != nil
    }

    private func linger(_ context: ChannelHandlerContext) {
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.value.close(mode: .output, promise: nil)
        context.value.eventLoop.scheduleTask(in: Self.lingering) { context.value.close(promise: nil) }
    }

    /// Passes on what shows that the body is too large, and its end, so that whoever reads it stops.
    private func refuseRest(_ context: ChannelHandlerContext, _ data: NIOAny) {
        isExcessive = true
        begunAt = nil
        context.fireChannelRead(data)
        context.fireChannelRead(wrapInboundOut(.end(nil)))
        context.fireChannelReadComplete()
    }

    private func look(_ context: ChannelHandlerContext) {
        if let headBegunAt, NIODeadline.now() - headBegunAt > maximumHeadDuration {
            context.close(promise: nil)
            return
        }
        if let unsentSince, NIODeadline.now() - unsentSince > maximumDuration {
            context.close(promise: nil)
            return
        }
        guard let begunAt, NIODeadline.now() - begunAt > maximumDuration else { return }
        self.begunAt = nil
        context.fireErrorCaught(RequestTooSlow())
    }
}
