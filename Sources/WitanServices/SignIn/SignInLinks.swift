package import WitanAccess
package import WitanCore

/// Makes and reads links that sign a person in once (ADR 0018).
///
/// A link is a token that this server has signed, good for ten minutes: making one writes nothing, so that a command
/// can do it beside a running server. That it works only once, the database sees to when it is used.
package struct SignInLinks: Sendable {
    /// A link that is genuine and not too old.
    package struct Link: Sendable {
        /// The link's own id.
        package let id: String

        /// Whom it signs in.
        package let userID: ObjectID

        /// The generation of the person's links that it is of, if they had one.
        package let generation: Int64?

        /// From when on it is worth nothing.
        package let expiresAt: Timestamp
    }

    /// How long a link is good.
    package static let lifetime = Duration.seconds(600)

    private let issuer: SessionTokenIssuer
    private let verifier: TokenVerifier

    /// Takes the server's secrets.
    package init(secrets: ServerSecrets, time: TimeSource, random: RandomSource) throws(Failure) {
        issuer = try SessionTokenIssuer(
            key: SigningKey(seed: secrets.signingKeySeed),
            issuer: "witan",
            // Not the audience of the API's tokens: neither is good in the other's place.
            audience: "witan-sign-in-link",
            time: time,
            random: random
        )
        verifier = try TokenVerifier(issuers: [issuer.trusted], time: time)
    }

    /// The path and query of a new link for a person, to be put after the server's address.
    ///
    /// `generation` is the database's of the person's links (`SignInStore.linkGeneration`): it ties the link to what
    /// they sign in with now.
    func make(for userID: ObjectID, email: String, generation: Int64?) throws(Failure) -> String {
        let token = try issuer.issue(
            userID: userID,
            email: email,
            suffix: generation.map { "\($0)" },
            lifetime: Self.lifetime
        )
        return "/signin/link?token=\(token.text)"
    }

    /// The link that a token belongs to.
    ///
    /// - Throws: `.unauthenticated` for one that is not genuine, or too old.
    package func read(_ token: String) async throws -> Link {
        do {
            let token = try await verifier.verify(token)
            guard let id = token.tokenID, let userID = token.sessionUserID else { throw Failure.usedSignInLink }
            let generation = id.split(separator: ".").dropFirst().first.flatMap { Int64($0) }
            return Link(id: id, userID: userID, generation: generation, expiresAt: token.expiresAt)
        } catch let failure as Failure where failure.code == .unauthenticated {
            throw Failure.usedSignInLink
        }
    }
}

extension Failure {
    /// The one text for every link that does not sign anybody in.
    package static let usedSignInLink = Failure(
        .unauthenticated,
        """
        This link does not work any more: it signs in once, within ten minutes, and not after a new password. Ask for \
        another; whoever runs the server makes one with `witan users sign-in-link`.
        """
    )
}
