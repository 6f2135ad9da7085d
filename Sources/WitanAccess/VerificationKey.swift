import Crypto
import CryptoExtras

/// A public key that verifies the signatures of one algorithm.
///
/// The type of the key decides the algorithm, never a token: a key of one type cannot be used as one of another, and
/// none can be used as a shared secret.
package struct VerificationKey: Sendable {
    /// The key's `kid`.
    package let id: String?

    private let material: Material

    private enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// The one algorithm that the key is for.
    package var algorithm: SignatureAlgorithm {
        switch material {
        case .rsa: .rs256
        case .p256: .es256
        case .ed25519: .edDSA
        }
    }

    /// Takes an RSA key's big-endian modulus and public exponent (RFC 7518, section 6.3.1).
    init(id: String?, modulus: [UInt8], exponent: [UInt8]) throws {
        self.id = id
        material = .rsa(try _RSA.Signing.PublicKey(n: modulus, e: exponent))
    }

    /// Takes a point on P-256, 32 bytes a coordinate (RFC 7518, section 6.2.1).
    init(id: String?, x: [UInt8], y: [UInt8]) throws {
        self.id = id
        material = .p256(try P256.Signing.PublicKey(rawRepresentation: x + y))
    }

    /// Takes the 32 bytes of an Ed25519 key (RFC 8037, section 2).
    ///
    /// Bytes that are no point of the curve show only later: no signature is valid then.
    init(id: String?, ed25519 bytes: [UInt8]) throws {
        self.id = id
        material = .ed25519(try Curve25519.Signing.PublicKey(rawRepresentation: bytes))
    }

    /// Whether the signature, in the form of RFC 7518, section 3, is this key's for the message.
    package func isValidSignature(_ signature: [UInt8], of message: ArraySlice<UInt8>) -> Bool {
        switch material {
        case .rsa(let key):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature),
                for: SHA256.hash(data: message),
                padding: .insecurePKCS1v1_5
            )
        case .p256(let key):
            do {
                return key.isValidSignature(
                    try P256.Signing.ECDSASignature(rawRepresentation: signature),
                    for: SHA256.hash(data: message)
                )
            } catch {
                // It is not 64 bytes long; signatures in DER end here.
                return false
            }
        case .ed25519(let key):
            return key.isValidSignature(signature, for: message)
        }
    }
}
