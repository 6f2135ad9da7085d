package import WitanAccess
package import WitanCore

/// How the server listens and what it lets in.
package struct ServerConfiguration: Sendable {
    /// The files of a TLS identity, in PEM.
    package struct TLS: Sendable {
        /// The path of the certificate chain, the server's own certificate first.
        package let certificate: String

        /// The path of the private key that belongs to the first certificate.
        package let key: String

        /// Names the files.
        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// The address to listen on.
    package var host = "127.0.0.1"

    /// The port to listen on; 0 lets the system choose.
    package var port = 8000

    /// The address that clients know the server by, without a slash at the end; made of host and port when nil.
    package var publicURL: String?

    /// The TLS identity; without one the server speaks HTTP/1.1 in clear.
    package var tls: TLS?

    /// Which web pages' scripts may call the server, besides its own.
    package var allowedOrigins = AllowedOrigins.official

    /// The proxies whose `X-Forwarded-For` is believed.
    package var trustedProxies = TrustedProxies()

    /// The limit of each credential.
    package var credentialLimit: RateLimit? = RateLimit(perSecond: 1_000, burst: 2_000)

    /// The limit of each organization.
    package var organizationLimit: RateLimit?

    /// Bounds on size, number and time.
    package var limits = Limits()

    /// Whether each request gets a line in the log.
    package var logsRequests = true

    /// The defaults.
    package init() {}

    /// The address that clients know the server by.
    package func publicURL(boundPort: Int) -> String { publicURL ?? listeningURL(boundPort: boundPort) }

    /// The address that the server listens on.
    package func listeningURL(boundPort: Int) -> String {
        let name = host.contains(":") ? "[\(host)]" : host == "0.0.0.0" ? "127.0.0.1" : host
        return "\(tls == nil ? "http" : "https")://\(name):\(boundPort)"
    }
}
