internal import Crypto
package import WitanCore

/// The keys that turn a credential's digest into what the database holds, so that the database alone proves nothing
/// (design: key service, section 3).
///
/// Several versions can be live: new keys use the newest, a check tries each.
package struct Peppers: Sendable, Concealed {
    /// The least length of a pepper, in bytes: that of the hash (RFC 2104, section 3).
    package static let leastBytes = 32

    /// A version's key, and the computation with the key already in it, to be copied for each credential.
    private struct Pepper {
        let version: Int
        let key: SymmetricKey
        let begun: HMAC<SHA256>
    }

    /// Newest first.
    private let keys: [Pepper]

    /// Takes each version's bytes.
    ///
    /// Refuses no version at all, a version below 1, and fewer than `leastBytes` bytes.
    package init(_ values: [Int: [UInt8]]) throws(Failure) {
        guard !values.isEmpty else {
            throw Failure(.invalidRequest, "There is no pepper: at least one “pepper VERSION BASE64” is needed.")
        }
        for (version, bytes) in values {
            guard Self.versionRange.contains(version) else {
                throw Failure(.invalidRequest, "A pepper's version must be a whole number from 1 to \(Int32.max).")
            }
            guard bytes.count >= Self.leastBytes else {
                throw Failure(.invalidRequest, "Pepper \(version) must be at least \(Self.leastBytes) bytes long.")
            }
        }
        keys = values.sorted { $0.key > $1.key }
            .map { version, bytes in
                let key = SymmetricKey(data: bytes)
                return Pepper(version: version, key: key, begun: HMAC(key: key))
            }
    }

    /// The version that new keys use.
    package var newest: Int { keys[0].version }

    /// All versions, newest first.
    package var versions: [Int] { keys.map(\.version) }

    /// What the database holds for a credential under one version; `nil` when there is no such version.
    package func digest(_ credential: CredentialDigest, version: Int) -> StoredDigest? {
        pepper(version).map { Self.digest(credential, $0) }
    }

    /// What the database may hold for a credential, newest version first.
    package func candidates(_ credential: CredentialDigest) -> [(version: Int, digest: StoredDigest)] {
        keys.map { ($0.version, Self.digest(credential, $0)) }
    }

    /// Thirty-two bytes by which a database recognises this version's pepper; `nil` when there is no such version.
    ///
    /// They are the code of a fixed text that is not 32 bytes long, so that they are never a credential's digest.
    package func check(version: Int) -> [UInt8]? {
        pepper(version).map { Array(HMAC<SHA256>.authenticationCode(for: Self.checkLabel, using: $0.key)) }
    }

    /// Each version's bytes.
    var values: [Int: [UInt8]] {
        Dictionary(uniqueKeysWithValues: keys.map { ($0.version, $0.key.withUnsafeBytes(Array.init)) })
    }

    private static let versionRange = 1...Int(Int32.max)
    private static let checkLabel = Array("witan pepper check 1".utf8)

    private func pepper(_ version: Int) -> Pepper? {
        keys.first { $0.version == version }
    }

    private static func digest(_ credential: CredentialDigest, _ pepper: Pepper) -> StoredDigest {
        var computation = pepper.begun
        credential.withUnsafeBytes { computation.update(data: $0) }
        return StoredDigest(computation.finalize())
    }
}
