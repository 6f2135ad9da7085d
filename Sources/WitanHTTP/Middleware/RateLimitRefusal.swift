import WitanAccess
import WitanCore

/// A limiter's refusal, which an answer's headers tell of.
struct RateLimitRefusal: Error {
    let decision: RateLimitDecision

    /// The failure with its sentence.
    static func failure(_ decision: RateLimitDecision, of what: String) -> Failure {
        Failure(
            .rateLimited,
            "Too many requests \(what); wait as long as Retry-After says, and longer after each further refusal.",
            retryAfter: decision.retryAfter,
            underlying: RateLimitRefusal(decision: decision)
        )
    }
}
