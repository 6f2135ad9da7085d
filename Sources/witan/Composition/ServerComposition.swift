import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import WitanAccess
import WitanCluster
import WitanConsole
import WitanCore
import WitanHTTP
import WitanMail
import WitanServices
import WitanTelemetry

/// Makes a server of settings and an installation.
enum ServerComposition {
    /// How the server listens and what it lets in.
    static func configuration(_ values: SettingValues) throws -> ServerConfiguration {
        var configuration = ServerConfiguration()
        configuration.host = try values[Settings.host]
        configuration.port = try values[Settings.port]
        configuration.publicURL = try values.optional(Settings.publicURL)
        switch (try values.optional(Settings.tlsCertificate), try values.optional(Settings.tlsKey)) {
        case (let certificate?, let key?):
            configuration.tls = ServerConfiguration.TLS(certificate: certificate, key: key)
        case (nil, nil):
            break
        default:
            throw UsageError.misconfigured(
                "tls-certificate",
                "and the setting tls-key are given together or not at all"
            )
        }
        configuration.allowedOrigins = try values[Settings.allowedOrigins]
        configuration.trustedProxies = try values[Settings.trustedProxies]
        configuration.credentialLimit = try values[Settings.rateLimit]
        configuration.organizationLimit = try values[Settings.organizationRateLimit]
        configuration.logsRequests = try values[Settings.logRequests]
        configuration.limits = try limits(values)
        return configuration
    }

    /// The bounds, with the ones that were set.
    static func limits(_ values: SettingValues) throws -> Limits {
        var limits = Limits()
        limits.requestsInFlight = try values[Settings.maximumRequests]
        limits.connections = try values[Settings.maximumConnections]
        limits.requestBodyBytes = try values[Settings.maximumBodyBytes]
        limits.requestDuration = try values[Settings.requestTimeout]
        limits.transactionWaitDuration = min(limits.transactionWaitDuration, limits.requestDuration)
        limits.idleConnectionDuration = try values[Settings.idleTimeout]
        limits.drainDuration = try values[Settings.drainTimeout]
        return limits
    }

    /// The server's own tokens: their issuer, under the key of its secrets.
    static func sessions(_ secrets: ServerSecrets) throws -> SessionTokenIssuer {
        try SessionTokenIssuer(
            key: SigningKey(seed: secrets.signingKeySeed),
            issuer: "witan",
            audience: "witan",
            time: .system,
            random: .system
        )
    }

    /// What sends the mail to invited people; nil when no mail server is set.
    static func invitationMail(_ values: SettingValues, _ server: ServerConfiguration) throws -> InvitationMail? {
        guard let mailServer = try values.optional(Settings.smtpURL) else { return nil }
        guard let from = try values.optional(Settings.smtpFrom) else {
            throw UsageError.misconfigured("smtp-from", "is needed beside smtp-url")
        }
        return InvitationMail(
            transport: try SMTPTransport(
                server: mailServer,
                sender: from,
                clientName: ProcessInfo.processInfo.hostName,
                trustRoots: values.optional(Settings.smtpTrustRoots)
            ),
            url: addressForMail(server)
        )
    }

    /// The address of the server that a reader of mail can use; nil when it is only known on the machine itself.
    private static func addressForMail(_ server: ServerConfiguration) -> String? {
        let isOwn = ["0.0.0.0", "::", "::1", "localhost"].contains(server.host) || server.host.hasPrefix("127.")
        return server.publicURL ?? (isOwn || server.port == 0 ? nil : server.listeningURL(boundPort: server.port))
    }

    /// An outside issuer, and what fetches its keys when they come from a URL.
    typealias OutsideIssuer = (issuer: TrustedIssuer, keys: KeySetCache?)

    /// The outside issuer, when one is set, and what fetches its keys.
    static func outsideIssuer(
        _ values: SettingValues,
        limits: Limits,
        logger: Logger
    ) throws -> OutsideIssuer? {
        let file = try values.optional(Settings.jwksFile)
        let url = try values.optional(Settings.jwksURL)
        guard let name = try values.optional(Settings.jwtIssuer) else {
            guard file == nil, url == nil else {
                throw UsageError.misconfigured("jwt-issuer", "is needed beside jwks-file or jwks-url")
            }
            return nil
        }
        guard let audience = try values.optional(Settings.jwtAudience) else {
            throw UsageError.misconfigured(
                "jwt-audience",
                "is needed beside jwt-issuer, so that no other service's tokens count"
            )
        }
        let keys: any KeySource
        var cache: KeySetCache?
        switch (file, url) {
        case (let file?, nil):
            keys = try KeySet(document: Array(fileText(file).utf8), limits: limits)
        case (nil, let url?):
            let fetched = KeySetCache(
                time: .system,
                limits: limits,
                onFailure: { logger.warning("The issuer's keys could not be fetched.", error: $0) },
                fetch: { try await fetch(url, limits: limits) }
            )
            keys = fetched
            cache = fetched
        default:
            throw UsageError.misconfigured(
                "jwks-file",
                "or the setting jwks-url is needed beside jwt-issuer, one of the two"
            )
        }
        let issuer = try TrustedIssuer(
            name: name,
            audience: audience,
            emailClaim: values[Settings.jwtEmailClaim],
            keys: keys
        )
        return (issuer, cache)
    }

    /// The server, and what runs beside it.
    static func server(
        _ installation: Installation,
        _ settings: ServerSettings,
        outside: OutsideIssuer?,
        openID: OpenIDConnectClient?,
        log: LogOutput,
        logger: Logger,
        readiness: Readiness,
        lastUses: LastUses
    ) throws -> (server: WitanServer, services: [any Service]) {
        let limits = settings.server.limits
        let sessions = try sessions(installation.secrets)
        let authenticator = Authenticator(
            database: installation.database,
            peppers: installation.secrets.peppers,
            tokens: try TokenVerifier(
                issuers: [sessions.trusted] + (outside.map { [$0.issuer] } ?? []),
                time: installation.time,
                limits: limits
            ),
            failures: RateLimiter(
                limit: settings.failedAuthenticationLimit,
                share: installation.services.cluster.share,
                capacity: limits.rateLimiters,
                time: installation.time,
                name: "failed-authentication"
            ),
            cache: installation.services.credentials,
            lease: installation.services.cluster.lease,
            metrics: installation.metrics,
            time: installation.time,
            logger: logger
        )
        try installation.metrics.showCredentialCacheSize { [cache = installation.services.credentials] in
            cache.statistics.count
        }
        try installation.metrics.showLostLogLines(of: log)
        let signIn = try installation.signIn(limits: limits)
        let server = WitanServer(
            configuration: settings.server,
            components: WitanServer.Components(
                authenticator: authenticator,
                impersonation: installation.services.impersonation,
                resources: installation.services.resources,
                members: installation.services.members,
                console: { publicURL, admit in
                    try Console(
                        Console.Components(
                            services: installation.services,
                            authenticator: authenticator,
                            signIn: signIn,
                            lastUses: lastUses,
                            openID: openID,
                            publicURL: publicURL,
                            admit: admit,
                            time: installation.time,
                            random: installation.random,
                            limits: limits
                        )
                    )
                },
                lastUses: lastUses,
                share: installation.services.cluster.share,
                readiness: readiness,
                metrics: installation.metrics,
                keySet: try SigningKey(seed: installation.secrets.signingKeySeed).publicDocument,
                log: log,
                logger: logger,
                time: installation.time,
                random: installation.random,
                version: Witan.version
            )
        )
        var services: [any Service] = []
        if let keys = outside?.keys { services.append(KeyFetching(keys: keys)) }
        if let openID { services.append(OpenIDConnectKeys(client: openID)) }
        return (server, services)
    }

    private static func fileText(_ path: String) throws -> String {
        do {
            return try PlainFile.read(path)
        } catch {
            throw UsageError.misconfigured("jwks-file", "must name a readable file; \(path) cannot be read")
        }
    }

    private static func fetch(_ url: String, limits: Limits) async throws -> [UInt8] {
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: url),
            timeout: TimeAmount(limits.keySetFetchDuration)
        )
        guard response.status == .ok else {
            throw Failure(.unavailable, "The issuer's keys cannot be fetched: it answered \(response.status.code).")
        }
        return Array(buffer: try await response.body.collect(upTo: limits.keySetBytes))
    }
}

/// Fetches an issuer's keys for as long as the server runs.
private struct KeyFetching: Service {
    let keys: KeySetCache

    func run() async throws {
        await cancelWhenGracefulShutdown { await keys.run() }
    }
}
