package import WitanCore

/// Where an issuer's public keys come from: a `KeySet` itself, or a `KeySetCache`.
package protocol KeySource: Sendable {
    /// The keys at hand; `nil` before the first load. Does no I/O.
    var current: KeySet? { get }

    /// The keys to check a token with that has this `kid`, which may be missing from them all the same.
    ///
    /// Waits for I/O only when there are no keys yet, or none with the `kid`.
    func keySet(for id: String?) async throws(Failure) -> KeySet
}

extension KeySet: KeySource {
    /// The set itself: it never changes.
    package var current: KeySet? { self }

    /// The set itself: it never changes.
    package func keySet(for id: String?) -> KeySet { self }
}
