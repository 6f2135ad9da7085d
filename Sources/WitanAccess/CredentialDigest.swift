internal import Crypto
import WitanCore

/// The SHA-256 of a credential's text: what the server knows a credential by once it has looked at it.
///
/// Cache and rate limiter are keyed by it, so that neither holds a credential. A fast hash is enough for keys of 214
/// random bits (NIST SP 800-63B, 5.1.2.2 asks for 112); slow ones are for what people choose.
package struct CredentialDigest: Sendable, Hashable, Concealed {
    private let digest: SHA256Digest

    /// Hashes a credential as it was sent, without the scheme's name.
    package init(of text: some StringProtocol) {
        var hash = SHA256()
        let isHashed: Void? = text.utf8.withContiguousStorageIfAvailable {
            hash.update(bufferPointer: UnsafeRawBufferPointer($0))
        }
        if isHashed == nil {
            hash.update(data: Array(text.utf8))
        }
        digest = hash.finalize()
    }

    /// Lends the 32 bytes.
    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        digest.withUnsafeBytes(body)
    }
}

/// What the database holds of a key: `HMAC-SHA256(pepper, SHA-256(key))` (design: key service, section 3).
///
/// Not `Equatable` on purpose: `isEqual(to:)`, whose time says nothing about the bytes, is the only comparison.
package struct StoredDigest: Sendable, Concealed {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// Takes what the database holds; `nil` unless it is 32 bytes long.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        func word(_ index: Int) -> UInt64 {
            bytes[index * 8..<index * 8 + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
        words = (word(0), word(1), word(2), word(3))
    }

    init(_ code: HMAC<SHA256>.MAC) {
        words = code.withUnsafeBytes { bytes in
            func word(_ index: Int) -> UInt64 {
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
            }
            return (word(0), word(1), word(2), word(3))
        }
    }

    /// The 32 bytes, for the database.
    package var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3]
            .flatMap { word in
                stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
            }
    }

    /// Whether both are the same, found in a time that does not depend on where they differ.
    package func isEqual(to other: StoredDigest) -> Bool {
        let difference =
            (words.0 ^ other.words.0) | (words.1 ^ other.words.1)
            | (words.2 ^ other.words.2) | (words.3 ^ other.words.3)
        return difference == 0
    }
}

extension CredentialDigest {
    /// The 64 hexadecimal digits, for what is made of a secret and may be shown where the secret may not.
    package var hexadecimal: String { withUnsafeBytes { $0.hex } }
}
