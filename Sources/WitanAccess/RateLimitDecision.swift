/// What a rate limiter answers, in the terms of the answer's headers.
package struct RateLimitDecision: Sendable {
    /// Whether the event may happen.
    package let isAllowed: Bool

    /// From when on an event will be allowed, exactly; zero when this one is.
    package let retryAfter: Duration

    /// Events at once, after a rest; `Int.max` without a limit.
    package let limit: Int

    /// How many more events are allowed at this moment; `Int.max` without a limit.
    package let remaining: Int

    /// How long until `limit` events are allowed at once.
    package let resetAfter: Duration

    /// `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10): a burst and the time it takes to come back, whose
    /// quotient is the limit in the long run; `nil` without a limit.
    package let policyHeader: String?

    private let name: String

    /// The answer of a limiter without a limit.
    static let unlimited = RateLimitDecision(
        isAllowed: true,
        retryAfter: .zero,
        limit: .max,
        remaining: .max,
        resetAfter: .zero,
        policyHeader: nil,
        name: ""
    )

    init(
        isAllowed: Bool,
        retryAfter: Duration,
        limit: Int,
        remaining: Int,
        resetAfter: Duration,
        policyHeader: String?,
        name: String
    ) {
        self.isAllowed = isAllowed
        self.retryAfter = retryAfter
        self.limit = limit
        self.remaining = remaining
        self.resetAfter = resetAfter
        self.policyHeader = policyHeader
        self.name = name
    }

    /// `RateLimit`: what remains, and the seconds until nothing is used; `nil` without a limit.
    package var rateLimitHeader: String? {
        policyHeader.map { _ in "\"\(name)\";r=\(remaining);t=\(resetAfter.wholeSecondsRoundedUp)" }
    }

    /// `Retry-After` in seconds (RFC 9110, 10.2.3), never too early; `nil` when the event is allowed.
    package var retryAfterHeader: String? {
        isAllowed ? nil : String(retryAfter.wholeSecondsRoundedUp)
    }
}

extension Duration {
    /// The least whole number of seconds that is not shorter.
    package var wholeSecondsRoundedUp: Int64 {
        let (seconds, attoseconds) = components
        return attoseconds > 0 ? seconds + 1 : seconds
    }
}
