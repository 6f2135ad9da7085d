import Crypto
package import WitanCore

/// Proof Key for Code Exchange by the method S256 (RFC 7636, section 4).
package enum ProofKey {
    /// A new code verifier of 256 random bits, in the 43 characters that section 4.1 recommends.
    package static func verifier(using random: inout RandomSource) -> String {
        Base64URL.encode(random.bytes(32))
    }

    /// The code challenge of a verifier: the base64url of its SHA-256.
    package static func challenge(of verifier: String) -> String {
        Base64URL.encode(Array(SHA256.hash(data: Array(verifier.utf8))))
    }
}
