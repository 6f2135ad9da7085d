import HTTPTypes
import NIOCore
import NIOHTTPTypes
import WitanCore

/// A request that did not arrive in time.
struct RequestTooSlow: Error {}

/// Bounds how long a request may take to arrive and how much of it is read.
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
    private var begunAt: NIODeadline?
    private var bodyBytes = 0
    private var isExcessive = false
    private var watch: RepeatedTask?

    private static let lingering = TimeAmount.seconds(2)

    init(limits: Limits) {
        maximumBodyBytes = limits.requestBodyBytes
        maximumDuration = TimeAmount(limits.requestDuration)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        let handler = NIOLoopBound(self, eventLoop: context.value.eventLoop)
        watch = context.value.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            handler.value.look(context.value)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        watch?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        watch?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            begunAt = .now()
            bodyBytes = 0
            if let length = head.headerFields[.contentLength].flatMap({ Int($0) }), length > maximumBodyBytes {
                refuseRest(context, data)
                return
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

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isExcessive, case .end = unwrapOutboundIn(data) else {
            context.write(data, promise: promise)
            return
        }
        context.writeAndFlush(data, promise: promise)
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
        guard let begunAt, NIODeadline.now() - begunAt > maximumDuration else { return }
        self.begunAt = nil
        context.fireErrorCaught(RequestTooSlow())
    }
}
