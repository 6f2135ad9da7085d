import WitanAccess
import WitanCore

/// A provider's answer to a sign-in that began in this browser (RFC 6749, 4.1.2; RFC 9207, section 2).
package struct OpenIDConnectCallback: Sendable, Concealed {
    /// The sign-in that it is the answer to.
    let pending: OpenIDConnectPending

    /// What the provider gives tokens for.
    let code: String

    /// Whether it says whose answer it is.
    let namesIssuer: Bool

    /// Takes the parameters that the browser came back with, of which each that counts may come once (RFC 6749, 3.1).
    ///
    /// The state comes first: what else the answer says counts only when the sign-in that it is to began in this browser.
    init(
        _ query: [(name: String, value: String)],
        to pending: OpenIDConnectPending,
        of client: OpenIDConnectClient
    ) throws(Failure) {
        let provider = client.provider
        func value(_ name: String) throws(Failure) -> String? {
            let values = query.filter { $0.name == name }
            guard values.count <= 1 else { throw provider.refusal(.query) }
            return values.first?.value
        }
        guard let state = try value("state"), state.utf8.isEqualInConstantTime(to: pending.state.utf8) else {
            throw provider.refusal(.state)
        }
        guard pending.isCurrent(at: client.time.now(), limits: client.limits) else {
            throw provider.refusal(.pending)
        }
        let issuer = try value("iss")
        if let issuer, !issuer.utf8.elementsEqual(client.configuration.issuer.utf8) {
            throw provider.refusal(.responseIssuer)
        }
        if let error = try value("error") {
            let description = try value("error_description")
            let secret = client.configuration.clientSecret?.reveal()
            throw .signInRefused(
                by: provider.name,
                error: OpenIDConnectProviderError(code: error, description: description, hiding: secret)
            )
        }
        guard let code = try value("code"), !code.isEmpty else { throw provider.refusal(.query) }
        self.pending = pending
        self.code = code
        namesIssuer = issuer != nil
    }
}

extension OpenIDConnectPending {
    /// Whether it has not ended, and ends no later than one that begins now on a node whose clock is fast.
    fileprivate func isCurrent(at now: Timestamp, limits: Limits) -> Bool {
        let latest = now.advanced(by: limits.identityProviderSignInDuration + limits.clockDifference)
        return now < expiresAt && expiresAt <= latest
    }
}
