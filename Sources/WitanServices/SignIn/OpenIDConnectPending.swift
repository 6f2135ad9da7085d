import WitanAccess
package import WitanCore

/// A sign-in that has begun: what the browser keeps, in a cookie that no script reads, until the provider sends it back.
///
/// `state` binds the answer to the browser, `nonce` the ID token to the sign-in, and `verifier` the code to the server.
package struct OpenIDConnectPending: Sendable, Concealed {
    /// From when on it is worth nothing, in whole seconds.
    package let expiresAt: Timestamp

    let state: String
    let nonce: String
    let verifier: String

    /// Begins a sign-in.
    init(expiresAt: Timestamp, using random: inout RandomSource) {
        self.expiresAt = Timestamp(seconds: expiresAt.seconds)
        state = Base64URL.encode(random.bytes(Self.randomBytes))
        nonce = Base64URL.encode(random.bytes(Self.randomBytes))
        verifier = ProofKey.verifier(using: &random)
    }

    /// Reads what `text` gave, and nothing else.
    ///
    /// Fails with `.unauthenticated` and a sentence for the person; an absent cookie is the empty text.
    package init(parsing text: String) throws(Failure) {
        let parts = text.split(separator: ".", maxSplits: 5, omittingEmptySubsequences: false)
        guard text.utf8.count <= Self.longestText, parts.count == 5, parts[0] == Self.version,
            parts[1...3].allSatisfy({ Base64URL.decode($0.utf8)?.count == Self.randomBytes }),
            let seconds = Int64(parts[4]), (0..<253_402_300_800).contains(seconds), String(seconds) == parts[4]
        else { throw .signIn(.pending) }
        expiresAt = Timestamp(seconds: seconds)
        state = String(parts[1])
        nonce = String(parts[2])
        verifier = String(parts[3])
    }

    /// The compact text for the cookie, in characters that need no quoting there (RFC 6265, 4.1.1).
    package var text: String {
        [Self.version, state, nonce, verifier, String(expiresAt.seconds)].joined(separator: ".")
    }

    private static let version = "1"
    private static let randomBytes = 32
    private static let longestText = 160
}
