import HTTPTypes
package import Hummingbird
package import WitanResources
package import WitanServices
import WitanTelemetry

/// An endpoint with the function that answers it.
package struct Route: Sendable {
    /// The function that answers an endpoint.
    package enum Handler: Sendable {
        /// One that everybody may call.
        case open(@Sendable (Request, WitanRequestContext) async throws -> Response)
        /// One that needs a caller; it cannot be reached without one.
        case authenticated(@Sendable (Request, WitanRequestContext, Caller) async throws -> Response)
    }

    /// The declaration: method, path and what the API document says of it.
    package let endpoint: Endpoint

    /// The function that answers it.
    package let handler: Handler

    /// Binds a function to an endpoint.
    ///
    /// - Precondition: the declaration and the function agree on whether the endpoint is public.
    package init(_ endpoint: Endpoint, _ handler: Handler) {
        switch handler {
        case .open: precondition(endpoint.isPublic, "\(endpoint.path) is declared to need a credential")
        case .authenticated: precondition(!endpoint.isPublic, "\(endpoint.path) is declared to need no credential")
        }
        self.endpoint = endpoint
        self.handler = handler
    }
}

/// A route's name and its counters, for the metrics and the log.
final class BoundRoute: Sendable {
    let template: String
    let metrics: RouteMetrics

    init(template: String, metrics: RouteMetrics) {
        self.template = template
        self.metrics = metrics
    }
}

extension Endpoint {
    /// The path in the router's form: `/v1/api_key/:api_key_id`.
    var routerPath: String {
        path.replacing("{", with: ":").replacing("}", with: "")
    }
}

extension Endpoint.Method {
    var httpMethod: HTTPRequest.Method {
        switch self {
        case .get: .get
        case .post: .post
        case .put: .put
        case .patch: .patch
        case .delete: .delete
        case .options: .options
        }
    }
}
