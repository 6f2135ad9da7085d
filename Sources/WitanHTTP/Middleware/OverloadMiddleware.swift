import Hummingbird
import Synchronization
import WitanCore
import WitanResources
import WitanTelemetry

/// Refuses requests beyond the number that may be under way at once, and bounds how long each waits for the database.
///
/// A server that takes more than it can do answers nobody in time; one that refuses the rest keeps its pace.
struct OverloadMiddleware: RouterMiddleware {
    let limit: Int
    let metrics: ServerMetrics
    let inFlight: InFlight
    let databaseWait: Duration
    let time: TimeSource

    private static let alwaysAnswered = Set(
        [SystemEndpoints.health, SystemEndpoints.readiness, SystemEndpoints.metrics].map(\.path)
    )

    /// The number of requests under way.
    final class InFlight: Sendable {
        fileprivate let count = Atomic<Int>(0)
    }

    /// One request's place among those under way, given back when nothing holds it any more: also when a client goes
    /// away before its answer's body is begun.
    private final class Place: Sendable {
        let number: Int
        private let inFlight: InFlight

        init(_ inFlight: InFlight) {
            self.inFlight = inFlight
            number = inFlight.count.add(1, ordering: .relaxed).newValue
        }

        deinit {
            inFlight.count.subtract(1, ordering: .relaxed)
        }
    }

    func handle(
        _ request: Request,
        context: WitanRequestContext,
        next: (Request, WitanRequestContext) async throws -> Response
    ) async throws -> Response {
        let place = Place(inFlight)
        // Whoever looks whether the server is well must learn that it is busy, not be refused.
        guard place.number <= limit || Self.alwaysAnswered.contains(request.uri.path) else {
            metrics.overloadRefusals.increment()
            throw Failure(
                .unavailable,
                "The server has \(limit) requests under way, as many as it takes; try again in a second.",
                retryAfter: .seconds(1)
            )
        }
        var response = try await TransactionDeadline.after(databaseWait, time: time) {
            try await next(request, context)
        }
        // An answer without a length goes out in parts, each of which is work.
        if response.body.contentLength == nil {
            let body = response.body
            response.body = ResponseBody { writer in
                try await body.write(writer)
                withExtendedLifetime(place) {}
            }
        }
        return response
    }
}
