package import WitanCore

/// A limiter's refusal, which an answer's headers tell of.
package struct RateLimitRefusal: Error {
    /// What the limiter said.
    package let decision: RateLimitDecision

    /// The failure for requests that are too many in the way that `what` says: "with this credential".
    package static func failure(_ decision: RateLimitDecision, of what: String) -> Failure {
        Failure(
            .rateLimited,
            "Too many requests \(what); wait as long as Retry-After says, and longer after each further refusal.",
            retryAfter: decision.retryAfter,
            underlying: RateLimitRefusal(decision: decision)
        )
    }
}
