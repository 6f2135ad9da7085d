internal import Crypto

/// The key that chains the audit log's rows (design: key service, section 7).
///
/// It is none of the peppers, because it must stay the same when they are rotated.
package struct AuditKey: Sendable, Concealed {
    private let key: SymmetricKey

    init(bytes: [UInt8]) {
        key = SymmetricKey(data: bytes)
    }

    /// HMAC-SHA256 of the bytes: 32 bytes.
    package func authenticationCode(for bytes: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: bytes, using: key))
    }

    var bytes: [UInt8] { key.withUnsafeBytes(Array.init) }
}
