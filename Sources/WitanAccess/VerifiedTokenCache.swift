import Crypto
import Synchronization
import WitanCore

/// Tokens that have been verified a moment ago, so that the next request with one costs a hash and not a signature.
///
/// Only verified tokens are kept, by their SHA-256, so a forger can neither fill the cache nor find anything in it.
final class VerifiedTokenCache: Sendable {
    /// How long a token is kept: as long as a change that only a full check notices may go unnoticed.
    static let retention: Duration = .seconds(60)

    private struct Entry {
        let token: VerifiedToken
        let keys: any KeySource
        let fingerprint: SHA256.Digest
        let until: Timestamp
    }

    private let entries = Mutex<[SHA256.Digest: Entry]>([:])
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// The token with this digest, if it is still good and its issuer's keys are the ones it was verified with.
    func token(for digest: SHA256.Digest, now: Timestamp) -> VerifiedToken? {
        guard let entry = entries.withLock({ $0[digest] }),
            now < entry.until,
            entry.keys.current?.fingerprint == entry.fingerprint
        else { return nil }
        return entry.token
    }

    /// Keeps a token that has just been verified with a key of this set, which came from these keys.
    func insert(
        _ token: VerifiedToken,
        for digest: SHA256.Digest,
        keySet: KeySet,
        from keys: any KeySource,
        now: Timestamp
    ) {
        let until = min(token.expiresAt, now.advanced(by: Self.retention))
        entries.withLock { entries in
            if entries.count >= capacity {
                entries = entries.filter { now < $0.value.until }
            }
            if entries.count >= capacity {
                entries = [:]
            }
            entries[digest] = Entry(token: token, keys: keys, fingerprint: keySet.fingerprint, until: until)
        }
    }
}
