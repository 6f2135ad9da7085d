internal import Crypto

/// SHA-256 of bytes that come one after another: tells whether two things too large to be held at once are the same.
package struct Checksum: Sendable {
    private var hash = SHA256()

    /// Begins with no bytes.
    package init() {}

    /// Adds bytes at the end.
    package mutating func update(_ bytes: [UInt8]) {
        hash.update(data: bytes)
    }

    /// The 32 bytes of the hash of all that was added.
    package func digest() -> [UInt8] { Array(hash.finalize()) }
}
