import WitanCore

/// An absolute URL of an identity provider's, or the server's own, looked at as far as its safety asks.
struct OpenIDConnectAddress: Sendable, Hashable {
    /// The URL as it was written.
    let text: String

    /// Whether it is on this machine, so that what is sent there passes no network.
    let isLoopback: Bool

    /// Whether it is an https URL.
    let isEncrypted: Bool

    /// Reads a URL; `nil` unless it is `https://` or `http://` with a host, and without a user, a fragment, or
    /// characters that RFC 3986 does not allow.
    init?(_ text: String) {
        guard text.utf8.count <= Self.longest, text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        let schemes = ["https://", "http://"]
        guard let scheme = schemes.first(where: text.hasPrefix) else { return nil }
        let authority = text.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" }
        guard let host = Self.host(authority) else { return nil }
        self.text = text
        isEncrypted = scheme == "https://"
        isLoopback = LoopbackHost.isLoopback(host)
    }

    /// Whether what is sent there cannot be read or changed on its way.
    var isSafe: Bool { isEncrypted || isLoopback }

    /// Whether it has a query.
    var hasQuery: Bool { text.utf8.contains(UInt8(ascii: "?")) }

    /// The URL with parameters after those that it has (RFC 6749, 3.1).
    func adding(_ parameters: [(name: String, value: String)]) -> String {
        let separator = !hasQuery ? "?" : text.hasSuffix("?") || text.hasSuffix("&") ? "" : "&"
        return text + separator + Self.form(parameters)
    }

    /// Parameters as `application/x-www-form-urlencoded`.
    static func form(_ parameters: [(name: String, value: String)]) -> String {
        parameters.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
            .joined(separator: "&")
    }

    private static let longest = 2_048

    /// The host of `host`, `host:port` or `[address]:port`.
    private static func host(_ authority: Substring) -> Substring? {
        let host: Substring
        let rest: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[...end]
            rest = authority[authority.index(after: end)...]
        } else {
            host = authority.prefix { $0 != ":" }
            rest = authority[host.endIndex...]
            guard host.utf8.allSatisfy(PercentEncoding.isUnreserved) else { return nil }
        }
        guard !host.isEmpty else { return nil }
        if rest.isEmpty { return host }
        // Without the look at the digits, a sign would count as part of a number.
        let port = rest.dropFirst()
        guard rest.hasPrefix(":"), port.utf8.allSatisfy(isDigit), UInt16(port) != nil else { return nil }
        return host
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// The characters of a URL without a fragment (RFC 3986, section 2).
    private static func isAllowed(_ byte: UInt8) -> Bool {
        PercentEncoding.isUnreserved(byte) || "%:/?[]@!$&'()*+,;=".utf8.contains(byte)
    }
}
