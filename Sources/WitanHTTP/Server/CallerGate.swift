import HTTPTypes
import Hummingbird
import WitanAccess
import WitanCore
import WitanServices
import WitanStorage
import WitanTelemetry

/// The way to every route that needs a caller: authentication, then the limits.
struct CallerGate: Sendable {
    let authenticator: Authenticator
    let impersonation: Impersonation
    let credentials: RateLimiter<ObjectID>
    let organizations: RateLimiter<ObjectID>
    let metrics: ServerMetrics

    /// Finds the caller, counts the request against their limits, and hands both to the route.
    func pass(
        _ request: Request,
        _ context: WitanRequestContext,
        _ handle: @Sendable (Request, WitanRequestContext, Caller) async throws -> Response
    ) async throws -> Response {
        guard let credential = CredentialHeader.credential(in: request.headers) else {
            metrics.keyChecks[.missing].increment()
            throw Failure.missingCredential
        }
        let state = context.record.current
        let identity = try await authenticator.authenticate(
            credential,
            from: IPAddress.limiterKey(for: state.clientAddress)
        )
        let organization = identity.memberships.count == 1 ? identity.memberships[0].organizationID : nil
        context.record.set { state in
            state.caller = AccessLogLine.Caller(
                id: identity.userID,
                kind: identity.authentication.rawValue,
                organizationID: organization
            )
        }
        let decision = credentials.take(identity.credentialID)
        context.record.set { $0.rateLimit = decision }
        guard decision.isAllowed else {
            metrics.rateLimited[.credential].increment()
            throw RateLimitRefusal.failure(decision, of: "with this credential")
        }
        if let organization {
            let decision = organizations.take(organization)
            guard decision.isAllowed else {
                metrics.rateLimited[.organization].increment()
                throw RateLimitRefusal.failure(decision, of: "in this organization")
            }
        }
        let origin = RequestOrigin(
            clientAddress: state.clientAddress,
            userAgent: request.headers[.userAgent].map(SecretRedactor.redact),
            traceID: state.trace?.traceIDText
        )
        var caller = Caller(identity: identity, origin: origin)
        if let user = request.headers[.impersonateUser] {
            caller = Caller(identity: try await impersonation.identity(of: user, by: caller), origin: origin)
        }
        guard request.headers[.enableAudit]?.lowercased() == "true" else {
            return try await handle(request, context, caller)
        }
        let (trail, audited) = (AuditTrail(), caller)
        var response = try await AuditTrail.$current.withValue(trail) { try await handle(request, context, audited) }
        trail.write(to: &response.headers, template: context.record.current.route?.template ?? "", caller: audited)
        return response
    }
}
