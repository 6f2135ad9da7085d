package import WitanCore

/// Why nobody was signed in with an identity provider: for the log and for tests, never for a page.
package struct OpenIDConnectRefusal: Error, CustomStringConvertible {
    /// Which check failed.
    package enum Reason: String, Sendable, CaseIterable {
        /// There is no sign-in under way in this browser, or it has taken too long.
        case pending
        /// The answer is to another sign-in (`state`).
        case state
        /// The answer lacks a parameter, or has one twice.
        case query
        /// The answer is another provider's (RFC 9207).
        case responseIssuer
        /// The provider answered with an error.
        case provider
        /// The provider does not take the code: it has expired or was used.
        case code
        /// The provider does not know this server, or not by this secret.
        case client
        /// The provider accepts none of the ways in which this server can say who it is.
        case clientAuthentication
        /// The ID token is not to be trusted; the cause has the reason.
        case identityToken
        /// The ID token is for another sign-in.
        case nonce
        /// The ID token was issued to somebody else (`azp`).
        case authorizedParty
        /// A claim is absent, or has a type or value that it cannot have.
        case claims
        /// The provider has no verified address of the person.
        case email
        /// The user info is about somebody else.
        case userInfoSubject
        /// The provider does not answer, or not now.
        case unreachable
        /// The provider's answer cannot be understood.
        case answer
        /// What the provider says of itself cannot be used.
        case metadata
        /// The provider calls itself by another name than the one that is set.
        case issuer
        /// This server is not reached over https.
        case redirect
    }

    /// Which check failed.
    package let reason: Reason

    /// What was behind it, if anything; never a text of the provider's.
    package let cause: (any Error)?

    /// The reason, and the cause after it.
    package var description: String {
        cause.map { "\(reason.rawValue): \($0)" } ?? reason.rawValue
    }
}

extension Failure {
    /// Which check of a sign-in with an identity provider failed; `nil` for any other failure.
    package var signInRefusal: OpenIDConnectRefusal.Reason? { (underlying as? OpenIDConnectRefusal)?.reason }

    /// A refusal with its sentence, in which the provider has the name that people know it by.
    static func signIn(
        _ reason: OpenIDConnectRefusal.Reason,
        with provider: String = OpenIDConnectConfiguration.standardName,
        retryAfter: Duration? = nil,
        cause: (any Error)? = nil
    ) -> Failure {
        Failure(
            code(of: reason),
            sentence(for: reason, provider),
            retryAfter: retryAfter,
            underlying: OpenIDConnectRefusal(reason: reason, cause: cause)
        )
    }

    /// What the provider said, made harmless, in a sentence of ours.
    static func signInRefused(by provider: String, error: OpenIDConnectProviderError) -> Failure {
        Failure(
            error.isTemporary ? .unavailable : .unauthenticated,
            "\(provider) did not sign you in (\(error.text)); sign in again, or ask whoever runs it.",
            underlying: OpenIDConnectRefusal(reason: .provider, cause: nil)
        )
    }

    private static func code(of reason: OpenIDConnectRefusal.Reason) -> Code {
        switch reason {
        case .query: .invalidRequest
        case .client, .clientAuthentication, .unreachable, .answer, .metadata, .issuer, .redirect: .unavailable
        case .pending, .state, .responseIssuer, .provider, .code, .identityToken, .nonce, .authorizedParty, .claims,
            .email, .userInfoSubject:
            .unauthenticated
        }
    }

    private static func sentence(for reason: OpenIDConnectRefusal.Reason, _ provider: String) -> String {
        switch reason {
        case .pending, .state:
            "This sign-in took too long, or was begun in another browser; sign in again."
        case .query:
            "The answer of \(provider) is incomplete; sign in again."
        case .responseIssuer:
            "The answer did not come from \(provider); sign in again."
        case .provider:
            "\(provider) did not sign you in; sign in again, or ask whoever runs it."
        case .code:
            "\(provider) does not take this sign-in any more: it took too long, or was used already; sign in again."
        case .client:
            """
            \(provider) does not know this server; whoever runs the server must check the settings oidc-client-id and \
            oidc-client-secret.
            """
        case .clientAuthentication:
            """
            \(provider) accepts none of the ways in which this server can say who it is; whoever runs the server must \
            allow client_secret_basic or client_secret_post there.
            """
        case .identityToken, .nonce, .authorizedParty, .claims, .userInfoSubject:
            """
            \(provider) did not prove to this server who you are; sign in again, and tell whoever runs the server if \
            that does not help.
            """
        case .email:
            "\(provider) has no verified e-mail address of yours; verify your address there, then sign in again."
        case .unreachable:
            "\(provider) cannot be reached at the moment; try again in a little while."
        case .answer:
            "\(provider) gave an answer that this server does not understand; try again in a little while."
        case .metadata:
            """
            \(provider) does not offer what this server needs; whoever runs the server must check the setting \
            oidc-issuer.
            """
        case .issuer:
            """
            \(provider) calls itself by another name than this server expects; whoever runs the server must write \
            oidc-issuer exactly as the provider does.
            """
        case .redirect:
            """
            Signing in with \(provider) needs a server that is reached over https; whoever runs the server must set \
            public-url.
            """
        }
    }
}
