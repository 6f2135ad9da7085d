import Logging
import WitanAccess
import WitanCore
import WitanHTTP
import WitanMail
import WitanServices
import WitanTelemetry

/// Every setting of the server.
///
/// The help, the README's table and the check of the file's members read this list.
enum Settings {
    static let host = Setting<String>("host", "ADDRESS", "The address to listen on", default: "127.0.0.1")
    static let port = Setting<Int>(
        "port",
        "The port to listen on; 0 lets the system choose",
        default: 8_000,
        in: 0...65_535
    )
    static let publicURL = Setting<String>(
        "public-url",
        "URL",
        "The address that clients know the server by; made of host and port when not given"
    ) { text throws(Failure) in
        guard text.hasPrefix("http://") || text.hasPrefix("https://"), !text.contains(where: \.isWhitespace) else {
            throw .misconfigured("public-url", "must begin with http:// or https://")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
    static let tlsCertificate = Setting<String>(
        "tls-certificate",
        "FILE",
        "The TLS certificate chain, in PEM; turns TLS on"
    )
    static let tlsKey = Setting<String>("tls-key", "FILE", "The TLS private key, in PEM")

    static let rateLimit = limit("rate-limit", "The limit of each credential", default: "1000/s burst 2000")
    static let organizationRateLimit = limit(
        "organization-rate-limit",
        "The limit of each organization",
        default: "off"
    )
    static let failedAuthenticationRateLimit = limit(
        "failed-authentication-rate-limit",
        "The limit of failed authentications from an address",
        default: "10/s burst 50"
    )
    static let trustedProxies = Setting<TrustedProxies>(
        list: "trusted-proxies",
        "ADDRESS",
        "The proxies, as addresses or CIDR blocks, whose X-Forwarded-For is believed",
        default: []
    ) { texts throws(Failure) in
        do {
            return try TrustedProxies(parsing: texts)
        } catch {
            throw .misconfigured("trusted-proxies", "must list addresses or blocks such as 10.0.0.0/8 or 2001:db8::/32")
        }
    }
    static let allowedOrigins = Setting<[String]>(
        list: "allowed-origins",
        "ORIGIN",
        "The web pages whose scripts may call the server; * for all",
        default: AllowedOrigins.official
    ) { texts throws(Failure) in texts }

    static let keyMinting = Setting<MintingPolicy>("key-minting", "Who may make API keys", default: .allow)
    static let tokenMinting = Setting<TokenMintingPolicy>(
        "token-minting",
        "With which credentials owners may make service tokens",
        default: .owners
    )
    static let jwtIssuer = Setting<String>("jwt-issuer", "TEXT", "The `iss` of an outside issuer's tokens to accept")
    static let jwtAudience = Setting<String>("jwt-audience", "TEXT", "The `aud` that its tokens must have")
    static let jwtEmailClaim = Setting<String>(
        "jwt-email-claim",
        "NAME",
        "The claim of its tokens that names the person",
        default: "email"
    )
    static let jwksFile = Setting<String>("jwks-file", "FILE", "Its public keys, as a JWKS document")
    static let jwksURL = Setting<String>("jwks-url", "URL", "Where its public keys are, as a JWKS document") {
        text throws(Failure) in
        // Whoever can change the keys on their way can sign in as anybody.
        let local = ["http://127.0.0.1", "http://[::1]", "http://localhost"]
        let isLocal = local.contains { text == $0 || text.hasPrefix($0 + ":") || text.hasPrefix($0 + "/") }
        guard text.hasPrefix("https://") && text.count > 8 || isLocal else {
            throw .misconfigured("jwks-url", "must begin with https://, or with http:// for an address of this machine")
        }
        return text
    }

    static let openIDConnectIssuer = Setting<String>(
        "oidc-issuer",
        "URL",
        "The identity provider that people may sign in with, as OpenID Connect's issuer"
    )
    static let openIDConnectClientID = Setting<String>(
        "oidc-client-id",
        "TEXT",
        "By what the identity provider knows this server"
    )
    static let openIDConnectClientSecret = Setting<OpenIDConnectSecret>(
        "oidc-client-secret",
        "TEXT",
        "The secret that the identity provider gave for it; better as a variable or in the file"
    ) { text throws(Failure) in OpenIDConnectSecret(text) }
    static let openIDConnectScopes = Setting<String>(
        "oidc-scopes",
        "WORDS",
        "What the identity provider is asked for",
        default: "openid email profile"
    )
    static let openIDConnectName = Setting<String>(
        "oidc-name",
        "TEXT",
        "What people call the identity provider",
        default: "Single sign-on"
    )

    static let smtpURL = Setting<SMTPServer>(
        "smtp-url",
        "URL",
        "The mail server, as smtp:// or smtps:// with name and password if it wants them; without one no mail is sent"
    ) { text throws(Failure) in
        do throws(Failure) {
            return try SMTPServer(url: text)
        } catch {
            throw .misconfigured("smtp-url", "cannot be used: \(error.message)")
        }
    }
    static let smtpFrom = Setting<MailAddress>("smtp-from", "ADDRESS", "Whom the mail is from") {
        text throws(Failure) in
        do {
            return try MailAddress(parsing: text)
        } catch {
            throw .misconfigured("smtp-from", "must be an address, such as Witan <witan@example.com>")
        }
    }
    static let smtpTrustRoots = Setting<String>(
        "smtp-trust-roots",
        "FILE",
        "The authorities of the mail server's certificate, in PEM, in place of the system's"
    )

    static let logFormat = Setting<LogFormat>("log-format", "How the log is written", default: .human)
    static let logLevel = Setting<Logger.Level>("log-level", "The least severe level to log", default: .info)
    static let logRequests = Setting<Bool>("log-requests", "Whether each request is logged", default: true)

    static let maximumRequests = Setting<Int>(
        "max-requests",
        "How many requests may be under way at once",
        default: Limits().requestsInFlight,
        in: 1...1_000_000
    )
    static let maximumConnections = Setting<Int>(
        "max-connections",
        "How many connections may be open at once",
        default: Limits().connections,
        in: 1...1_000_000
    )
    static let maximumBodyBytes = Setting<Int>(
        "max-body-bytes",
        "The largest request body, in bytes",
        default: Limits().requestBodyBytes,
        in: 1_024...1_073_741_824
    )
    static let requestTimeout = Setting<Duration>("request-timeout", "How long a request may take", default: "30s")
    static let idleTimeout = Setting<Duration>("idle-timeout", "How long a connection may be idle", default: "75s")
    static let drainTimeout = Setting<Duration>(
        "drain-timeout",
        "How long requests under way may still take after SIGTERM",
        default: "20s"
    )

    /// All of them, in the order of the documents.
    static let all: [SettingDeclaration] = [
        host.declaration, port.declaration, publicURL.declaration, tlsCertificate.declaration, tlsKey.declaration,
        rateLimit.declaration, organizationRateLimit.declaration, failedAuthenticationRateLimit.declaration,
        trustedProxies.declaration, allowedOrigins.declaration, keyMinting.declaration, tokenMinting.declaration,
        jwtIssuer.declaration,
        jwtAudience.declaration, jwtEmailClaim.declaration, jwksFile.declaration, jwksURL.declaration,
        openIDConnectIssuer.declaration, openIDConnectClientID.declaration, openIDConnectClientSecret.declaration,
        openIDConnectScopes.declaration, openIDConnectName.declaration,
        smtpURL.declaration, smtpFrom.declaration, smtpTrustRoots.declaration,
        logFormat.declaration, logLevel.declaration, logRequests.declaration, maximumRequests.declaration,
        maximumConnections.declaration, maximumBodyBytes.declaration, requestTimeout.declaration,
        idleTimeout.declaration, drainTimeout.declaration,
    ]

    private static func limit(_ name: String, _ summary: String, default standard: String) -> Setting<RateLimit?> {
        Setting(name, "N/s|off", summary, default: standard) { text throws(Failure) in
            do {
                return try RateLimit.parse(text)
            } catch {
                throw .misconfigured(name, "must be a limit such as 1000/s, \"1000/s burst 2000\" or off")
            }
        }
    }
}
