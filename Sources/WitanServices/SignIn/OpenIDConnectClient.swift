import WitanAccess
package import WitanCore

/// Signs people in with an identity provider (OpenID Connect Core 1.0, section 3.1: the authorization code flow).
///
/// With PKCE by S256 (RFC 7636), `state`, `nonce`, and the issuer's name in the answer when it is there (RFC 9207), as
/// RFC 9700, section 2.1 asks. `run` must be running for `finish` to get the provider's keys.
package struct OpenIDConnectClient: Sendable {
    /// Sends a request and gives the answer's status and body.
    ///
    /// It must follow no redirect, give up after `Limits.identityProviderDuration`, read no more than
    /// `Limits.identityProviderBytes`, and throw an error that holds nothing of the request.
    package typealias Fetch = @Sendable (OpenIDConnectRequest) async throws -> (status: Int, body: [UInt8])

    /// What the operator says of the provider.
    package let configuration: OpenIDConnectConfiguration

    let provider: OpenIDConnectProvider
    let discovery: OpenIDConnectDiscovery
    let verifier: TokenVerifier
    let time: TimeSource
    let limits: Limits
    private let random: RandomSource
    private let keys: KeySetCache

    /// Takes what speaks with the provider; nothing is sent before `run`, `begin` or `finish`.
    ///
    /// `onFailure` hears why the provider's keys could not be fetched: for the log.
    package init(
        configuration: OpenIDConnectConfiguration,
        time: TimeSource,
        random: RandomSource,
        limits: Limits = Limits(),
        onFailure: @escaping @Sendable (any Error) -> Void,
        fetch: @escaping Fetch
    ) throws(Failure) {
        self.configuration = configuration
        self.time = time
        self.random = random
        self.limits = limits
        let provider = OpenIDConnectProvider(name: configuration.displayName, fetch: fetch, limits: limits)
        let discovery = OpenIDConnectDiscovery(issuer: configuration.address, provider: provider, time: time)
        self.provider = provider
        self.discovery = discovery
        keys = KeySetCache(
            time: time,
            limits: Self.keyLimits(limits),
            maximumAge: limits.identityProviderMaximumAge,
            onFailure: onFailure,
            fetch: { try await Self.keyDocument(from: provider, discovery) }
        )
        verifier = try TokenVerifier(
            issuers: [TrustedIssuer(name: configuration.issuer, audience: configuration.clientID, keys: keys)],
            time: time,
            limits: Self.tokenLimits(limits)
        )
    }

    /// Fetches the provider's keys, now and as sign-ins ask for them, until cancelled; to be called once.
    package func run() async { await keys.run() }

    /// Begins a sign-in: where to send the browser, and what it is to keep until it comes back.
    ///
    /// `redirectURL` is the server's public URL with `OpenIDConnectConfiguration.redirectPath`. Fails with
    /// `.unavailable` and a sentence for the person.
    package func begin(
        redirectURL: String
    ) async throws(Failure) -> (authorizationURL: String, pending: OpenIDConnectPending) {
        guard OpenIDConnectConfiguration.canReturn(to: redirectURL) else { throw provider.refusal(.redirect) }
        let metadata = try await discovery.metadata()
        var random = random
        let pending = OpenIDConnectPending(
            expiresAt: time.now().advanced(by: limits.identityProviderSignInDuration),
            using: &random
        )
        let url = metadata.authorizationEndpoint.adding([
            ("response_type", "code"),
            ("client_id", configuration.clientID),
            ("redirect_uri", redirectURL),
            ("scope", configuration.scopes),
            ("state", pending.state),
            ("nonce", pending.nonce),
            ("code_challenge", ProofKey.challenge(of: pending.verifier)),
            ("code_challenge_method", "S256"),
        ])
        return (url, pending)
    }

    /// The provider's answer, by the parameters that the browser came back with and by what it kept.
    ///
    /// Nobody is asked for anything. What the browser kept must be deleted, whatever comes of it. Fails with a sentence for
    /// the person, as `finish` does, when the answer is not to this sign-in, or is an error.
    package func callback(
        _ query: [(name: String, value: String)],
        to pending: OpenIDConnectPending
    ) throws(Failure) -> OpenIDConnectCallback {
        try OpenIDConnectCallback(query, to: pending, of: self)
    }

    /// Ends a sign-in: the person's address, which the provider has verified.
    ///
    /// `redirectURL` must be the one that the sign-in began with. Fails with a sentence for the person that holds neither
    /// code, token, secret nor verifier.
    package func finish(_ callback: OpenIDConnectCallback, redirectURL: String) async throws(Failure) -> String {
        let pending = callback.pending
        let metadata = try await discovery.metadata()
        guard callback.namesIssuer || !metadata.namesIssuer else { throw provider.refusal(.responseIssuer) }
        let tokens = try await tokens(
            for: callback.code,
            verifier: pending.verifier,
            redirectURL: redirectURL,
            at: metadata
        )
        let identity = try await identity(in: tokens.identityToken, nonce: pending.nonce)
        return try await email(of: identity, accessToken: tokens.accessToken, at: metadata)
    }

    /// The provider itself hands over the tokens, so that nobody can make the server ask for keys too often.
    private static func keyLimits(_ limits: Limits) -> Limits {
        var limits = limits
        limits.keySetRefreshInterval = limits.identityProviderRetryInterval
        return limits
    }

    private static func tokenLimits(_ limits: Limits) -> Limits {
        var limits = limits
        limits.credentialBytes = limits.identityTokenBytes
        return limits
    }

    private static func keyDocument(
        from provider: OpenIDConnectProvider,
        _ discovery: OpenIDConnectDiscovery
    ) async throws -> [UInt8] {
        let metadata = try await discovery.metadata()
        let answer = try await provider.answer(to: .document(at: metadata.keysAddress))
        guard answer.status == 200 else { throw provider.refusal(.answer) }
        return answer.body
    }
}
