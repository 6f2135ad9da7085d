internal import Crypto

/// The key that chains the audit log's rows (design: key service, section 7).
///
/// It is none of the peppers, because it must stay the same when they are rotated.
package struct AuditKey: Sendable, Concealed {
    private let key: SymmetricKey
    /// The computation with the key already in it, to be copied for each message: the key costs as much as a row.
    private let begun: HMAC<SHA256>

    init(bytes: [UInt8]) {
        key = SymmetricKey(data: bytes)
        begun = HMAC(key: key)
    }

    /// HMAC-SHA256 of the bytes: 32 bytes.
    package func authenticationCode(for bytes: [UInt8]) -> [UInt8] {
        var computation = begun
        computation.update(data: bytes)
        return Array(computation.finalize())
    }

    var bytes: [UInt8] { key.withUnsafeBytes(Array.init) }
}
