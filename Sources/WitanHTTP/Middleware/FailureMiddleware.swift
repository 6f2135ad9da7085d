import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import WitanAccess
import WitanCore
import WitanTelemetry

/// Makes an answer of every error (design: key service, section 2).
struct FailureMiddleware: RouterMiddleware {
    let paths: PathTable
    let origins: AllowedOrigins
    let log: FailureLog

    func handle(
        _ request: Request,
        context: WitanRequestContext,
        next: (Request, WitanRequestContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            let failure = failure(error, request)
            let traceID = context.record.current.trace?.traceIDText ?? ""
            context.record.set { $0.failureCode = failure.code }
            log.note(failure, traceID: traceID)
            response = ErrorBody(failure: failure, path: request.uri.path, traceID: traceID)
                .response(accept: request.headers[.accept])
            if failure.code == .methodNotAllowed {
                response.headers[.allow] = paths.methods(of: request.uri.path).joined(separator: ", ")
            }
            if let refusal = failure.underlying as? RateLimitRefusal {
                context.record.set { $0.rateLimit = refusal.decision }
            }
        }
        if let decision = context.record.current.rateLimit, let header = decision.rateLimitHeader {
            response.headers[.rateLimit] = header
            response.headers[.rateLimitPolicy] = decision.policyHeader
        }
        // Pages are for their own origin alone.
        if let origin = request.headers[.origin], response.headers[.resourcePolicy] == nil {
            origins.allow(origin, in: &response.headers)
        }
        return response
    }

    private func failure(_ error: any Error, _ request: Request) -> Failure {
        guard let missing = error as? HTTPError, missing.status == .notFound else { return Failure(reading: error) }
        let methods = paths.methods(of: request.uri.path)
        if methods.isEmpty {
            return Failure(
                .notFound,
                "There is no \(request.uri.path) here; GET /openapi.json lists what there is."
            )
        }
        return Failure(
            .methodNotAllowed,
            "\(request.uri.path) does not take \(request.method.rawValue), only \(methods.joined(separator: ", "))."
        )
    }
}

extension Failure {
    /// What an error is that may come from reading a request.
    init(reading error: any Error) {
        switch error {
        case let error as HTTPError where error.status == .contentTooLarge:
            self.init(.tooLarge, "The body is too large.")
        case is RequestTooSlow:
            self.init(.timedOut, "The request took too long to arrive; send it again, faster.")
        case is HTTPParserError, is ChannelError, is IOError:
            self.init(.invalidRequest, "The request ended too early, or went on in another form than HTTP has.")
        default:
            self.init(of: error)
        }
    }
}
