import HTTPTypes
import Hummingbird
import WitanAccess
import WitanCore
import WitanTelemetry

/// Gives each request its trace, and when it is answered a count, a duration and one log line.
///
/// The outermost middleware: what it sees is what the client gets.
struct TelemetryMiddleware: RouterMiddleware {
    let metrics: ServerMetrics
    let log: LogOutput?
    let traces: TraceIDGenerator
    let proxies: TrustedProxies
    let time: TimeSource
    let unmatched: BoundRoute

    func handle(
        _ request: Request,
        context: WitanRequestContext,
        next: (Request, WitanRequestContext) async throws -> Response
    ) async throws -> Response {
        let start = time.monotonic()
        let trace = trace(of: request)
        let address = clientAddress(of: request, context)
        context.record.set { state in
            state.trace = trace
            state.clientAddress = address
        }
        metrics.requestsInFlight.add(1)
        defer { metrics.requestsInFlight.add(-1) }
        var response = try await next(request, context)
        response.headers[.internalTraceID] = trace.traceIDText
        // Passed on to whoever called, so that a proxy or a client can tie its own span to this one.
        response.headers[.traceParent] = trace.traceparent
        // A body after the head of an answer to HEAD would be taken for the next answer (RFC 9110, 9.3.2).
        if request.method == .head { response = response.createHeadResponse() }

        let elapsed = time.monotonic() - start
        let state = context.record.current
        let route = state.route ?? unmatched
        route.metrics.record(status: response.status.code, nanoseconds: elapsed)
        log?
            .append(
                AccessLogLine(
                    time: time.now(),
                    method: request.method.rawValue,
                    path: request.uri.path,
                    status: response.status.code,
                    nanoseconds: elapsed,
                    trace: trace,
                    clientAddress: address,
                    route: route.template,
                    bytesIn: state.bytesIn,
                    bytesOut: response.body.contentLength ?? 0,
                    caller: state.caller,
                    userAgent: request.headers[.userAgent],
                    failureCode: state.failureCode
                )
            )
        return response
    }

    /// The span of this request: a child of the caller's when there is a valid one, else the first of a new trace.
    private func trace(of request: Request) -> TraceContext {
        var generator = traces
        if let parent = request.headers[.traceParent],
            let context = TraceContext.parse(traceparent: parent, tracestate: request.headers[.traceState])
        {
            return context.child(using: &generator)
        }
        return TraceContext.generate(using: &generator)
    }

    private func clientAddress(of request: Request, _ context: WitanRequestContext) -> String {
        let peer = context.peer?.ipAddress ?? "local"
        let forwarded = request.headers[values: .forwardedFor]
        return forwarded.isEmpty ? peer : proxies.clientAddress(peer: peer, forwardedFor: forwarded)
    }
}
