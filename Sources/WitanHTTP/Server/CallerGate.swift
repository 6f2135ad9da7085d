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
    let lastUses: LastUses
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
        try require(decision, in: organization)
        lastUses.note(identity)
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
            return try await answer(request, context, caller, handle)
        }
        let (trail, audited) = (AuditTrail(), caller)
        var response = try await AuditTrail.$current.withValue(trail) {
            try await answer(request, context, audited, handle)
        }
        trail.write(to: &response.headers, template: context.record.current.route?.template ?? "", caller: audited)
        return response
    }

    /// Counts a page's request against the limits of its session, and of the organization if there is but one.
    func admit(_ identity: Identity) throws(Failure) {
        let organization = identity.memberships.count == 1 ? identity.memberships[0].organizationID : nil
        try require(credentials.take(identity.credentialID), in: organization)
    }

    private func require(_ decision: RateLimitDecision, in organization: ObjectID?) throws(Failure) {
        guard decision.isAllowed else {
            metrics.rateLimited[.credential].increment()
            throw RateLimitRefusal.failure(decision, of: "with this credential")
        }
        guard let organization else { return }
        let decision = organizations.take(organization)
        guard decision.isAllowed else {
            metrics.rateLimited[.organization].increment()
            throw RateLimitRefusal.failure(decision, of: "in this organization")
        }
    }

    /// Lets the route answer, and says which change it has made known to every server.
    private func answer(
        _ request: Request,
        _ context: WitanRequestContext,
        _ caller: Caller,
        _ handle: @Sendable (Request, WitanRequestContext, Caller) async throws -> Response
    ) async throws -> Response {
        guard request.method != .get, request.method != .head else { return try await handle(request, context, caller) }
        let receipt = ChangeReceipt()
        var response = try await ChangeReceipt.$current.withValue(receipt) {
            try await handle(request, context, caller)
        }
        if let sequence = receipt.sequence { response.headers[.revocationSequence] = String(sequence) }
        return response
    }
}
