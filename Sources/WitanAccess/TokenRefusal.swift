package import WitanCore

/// Why a token was refused: for metrics and the log, never for whoever sent it.
package enum TokenRefusal: String, Error, CaseIterable {
    /// It is longer than `Limits.credentialBytes`.
    case tooLong
    /// It is not three parts in strict base64url, the first two of them one JSON object each.
    case malformed
    /// `alg` names none of our algorithms.
    case algorithm
    /// Another member of the header is wrong, or asks for what is not supported: `typ`, `kid`, `crit`, `b64`.
    case header
    /// `iss` is none of the trusted issuers.
    case issuer
    /// The issuer has no key with this `kid` for this algorithm.
    case key
    /// The signature is not that key's.
    case signature
    /// `aud` is absent or does not name this server.
    case audience
    /// `exp` has passed.
    case expired
    /// `nbf` or `iat` lies in the future.
    case notYetValid
    /// A claim is absent, or has a type or value that it cannot have.
    case claims
}

extension Failure {
    /// What a caller is told of a refused token: one sentence for all reasons, which `tokenRefusal` has.
    static func refused(_ reason: TokenRefusal) -> Failure {
        Failure(
            .unauthenticated,
            "The token is malformed, unknown, expired or revoked; sign in again.",
            underlying: reason
        )
    }

    /// Why a token was refused; `nil` for any other failure.
    package var tokenRefusal: TokenRefusal? { underlying as? TokenRefusal }
}
