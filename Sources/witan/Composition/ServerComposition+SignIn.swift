import Logging
import ServiceLifecycle
import WitanCore
import WitanHTTP
import WitanServices

extension ServerComposition {
    /// What signs people in with an identity provider; nil when none is set.
    ///
    /// `OpenIDConnectKeys` must run beside it.
    static func openIDConnect(
        _ values: SettingValues,
        server: ServerConfiguration,
        time: TimeSource,
        random: RandomSource,
        logger: Logger
    ) throws -> OpenIDConnectClient? {
        let givenID = try values.optional(Settings.openIDConnectClientID)
        let secret = try values.optional(Settings.openIDConnectClientSecret)
        guard let issuer = try values.optional(Settings.openIDConnectIssuer) else {
            guard givenID == nil, secret == nil else {
                throw UsageError.misconfigured("oidc-issuer", "is needed beside oidc-client-id or oidc-client-secret")
            }
            return nil
        }
        guard let clientID = givenID else {
            throw UsageError.misconfigured("oidc-client-id", "is needed beside oidc-issuer")
        }
        guard OpenIDConnectConfiguration.canReturn(to: server.publicURL(boundPort: server.port)) else {
            throw UsageError.misconfigured(
                "public-url",
                "must begin with https:// beside oidc-issuer, unless people reach the server on their own machine"
            )
        }
        let scopes = try values[Settings.openIDConnectScopes]
        let name = try values[Settings.openIDConnectName]
        let transport = OpenIDConnectTransport(limits: server.limits)
        do throws(Failure) {
            return try OpenIDConnectClient(
                configuration: OpenIDConnectConfiguration(
                    issuer: issuer,
                    clientID: clientID,
                    clientSecret: secret,
                    scopes: scopes,
                    displayName: name
                ),
                time: time,
                random: random,
                limits: server.limits,
                onFailure: { logger.warning("The identity provider's keys could not be fetched.", error: $0) },
                fetch: transport.fetch
            )
        } catch {
            throw UsageError(error.message)
        }
    }
}

/// Fetches the identity provider's keys for as long as the server runs.
struct OpenIDConnectKeys: Service {
    let client: OpenIDConnectClient

    func run() async throws {
        await cancelWhenGracefulShutdown { await client.run() }
    }
}
