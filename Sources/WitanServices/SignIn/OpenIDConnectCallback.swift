import WitanCore

/// The parameters that a provider sent the browser back with (RFC 6749, 4.1.2; RFC 9207, section 2).
struct OpenIDConnectCallback: Sendable {
    /// Who says that the answer is theirs.
    let issuer: String?

    private let state: String?
    private let code: String?
    private let error: String?
    private let errorDescription: String?

    /// Takes the parameters, of which each that counts may come once (RFC 6749, 3.1); others are passed over.
    init(_ query: [(name: String, value: String)], in provider: OpenIDConnectProvider) throws(Failure) {
        func value(_ name: String) throws(Failure) -> String? {
            let values = query.filter { $0.name == name }
            guard values.count <= 1 else { throw provider.refusal(.query) }
            return values.first?.value
        }
        issuer = try value("iss")
        state = try value("state")
        code = try value("code")
        error = try value("error")
        errorDescription = try value("error_description")
    }

    /// The code, if the answer is to this sign-in, from this provider, in time, and no error.
    ///
    /// The state comes first: what else the answer says counts only when the sign-in that it is to began in this browser.
    func code(for pending: OpenIDConnectPending, of client: OpenIDConnectClient) throws(Failure) -> String {
        let provider = client.provider
        guard let state, state.isEqualInConstantTime(to: pending.state) else { throw provider.refusal(.state) }
        guard pending.isCurrent(at: client.time.now(), limits: client.limits) else {
            throw provider.refusal(.pending)
        }
        if let issuer, !issuer.utf8.elementsEqual(client.configuration.issuer.utf8) {
            throw provider.refusal(.responseIssuer)
        }
        if let error {
            let secret = client.configuration.clientSecret?.reveal()
            throw .signInRefused(
                by: provider.name,
                error: OpenIDConnectProviderError(code: error, description: errorDescription, hiding: secret)
            )
        }
        guard let code, !code.isEmpty else { throw provider.refusal(.query) }
        return code
    }
}

extension OpenIDConnectPending {
    /// Whether it has not ended, and ends no later than one that begins now on a node whose clock is fast.
    fileprivate func isCurrent(at now: Timestamp, limits: Limits) -> Bool {
        let latest = now.advanced(by: limits.identityProviderSignInDuration + limits.clockDifference)
        return now < expiresAt && expiresAt <= latest
    }
}
