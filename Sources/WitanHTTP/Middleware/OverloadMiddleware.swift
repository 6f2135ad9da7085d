import Hummingbird
import Synchronization
import WitanCore
import WitanResources
import WitanTelemetry

/// Refuses requests beyond the number that may be under way at once.
///
/// A server that takes more than it can do answers nobody in time; one that refuses the rest keeps its pace.
struct OverloadMiddleware: RouterMiddleware {
    let limit: Int
    let metrics: ServerMetrics
    let inFlight: InFlight

    private static let alwaysAnswered = Set(
        [SystemEndpoints.health, SystemEndpoints.readiness, SystemEndpoints.metrics].map(\.path)
    )

    /// The number of requests under way.
    final class InFlight: Sendable {
        let count = Atomic<Int>(0)
    }

    func handle(
        _ request: Request,
        context: WitanRequestContext,
        next: (Request, WitanRequestContext) async throws -> Response
    ) async throws -> Response {
        let count = inFlight.count.add(1, ordering: .relaxed).newValue
        defer { inFlight.count.subtract(1, ordering: .relaxed) }
        // Whoever looks whether the server is well must learn that it is busy, not be refused.
        guard count <= limit || Self.alwaysAnswered.contains(request.uri.path) else {
            metrics.overloadRefusals.increment()
            throw Failure(
                .unavailable,
                "The server has \(limit) requests under way, as many as it takes; try again in a second.",
                retryAfter: .seconds(1)
            )
        }
        return try await next(request, context)
    }
}
