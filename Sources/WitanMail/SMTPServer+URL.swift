package import WitanCore

extension SMTPServer {
    /// Reads a server from a URL; `.invalidRequest`, with a sentence that holds no part of it, when it is malformed.
    ///
    /// - `smtp://host`: port 587 and STARTTLS, which a server that is not on this machine must offer (RFC 6409).
    /// - `smtp://host:25?tls=none`: without TLS.
    /// - `smtps://host`: port 465 and TLS from the first byte (RFC 8314).
    ///
    /// `user:password@` may stand before the host, percent-encoded (RFC 3986, 3.2.1).
    package init(url text: String) throws(Failure) {
        var rest = text[...]
        let isTLS = try Self.removeScheme(&rest)
        var security = isTLS ? Security.tls : .startTLS
        if let mark = rest.firstIndex(of: "?") {
            guard rest[mark...] == "?tls=none", !isTLS else {
                throw Self.invalid(
                    "may have ?tls=none after smtp://host and no other query; write a ? in the password as %3F"
                )
            }
            security = .none
            rest = rest[..<mark]
        }
        let credentials = try Self.removeCredentials(&rest)
        if rest.hasSuffix("/") { rest.removeLast() }
        let (host, port) = try Self.authority(rest)
        try self.init(
            host: host,
            port: port ?? (isTLS ? 465 : 587),
            security: security,
            username: credentials?.username,
            password: credentials?.password
        )
    }

    /// Whether the scheme stands for TLS.
    private static func removeScheme(_ rest: inout Substring) throws(Failure) -> Bool {
        for (scheme, isTLS) in [("smtp://", false), ("smtps://", true)]
        where rest.prefix(scheme.count).lowercased() == scheme {
            rest = rest.dropFirst(scheme.count)
            return isTLS
        }
        throw invalid("must be given as smtp://host:port or smtps://host:port")
    }

    private static func removeCredentials(
        _ rest: inout Substring
    ) throws(Failure) -> (username: String, password: String)? {
        guard let at = rest.lastIndex(of: "@") else { return nil }
        let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw invalid("needs a user name and a password, as in smtp://user:password@host")
        }
        guard let username = percentDecoded(parts[0]), let password = percentDecoded(parts[1]) else {
            throw invalid("has a user name or password with characters that must be percent-encoded, such as %40 for @")
        }
        rest = rest[rest.index(after: at)...]
        return (username, password)
    }

    private static func authority(_ text: Substring) throws(Failure) -> (host: String, port: Int?) {
        var (host, after) = (text.prefix { $0 != ":" }, text.drop { $0 != ":" })
        if text.hasPrefix("[") {
            host = text.dropFirst().prefix { $0 != "]" }
            let end = text.drop { $0 != "]" }
            after = end.dropFirst()
            guard host.contains(":"), !end.isEmpty else {
                throw invalid("has brackets that are not around an IPv6 address")
            }
        }
        guard !after.isEmpty else { return (String(host), nil) }
        let digits = after.dropFirst()
        guard after.hasPrefix(":"), digits.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
            let port = Int(digits)
        else { throw invalid("needs a port from 1 to 65535 and no path") }
        return (String(host), port)
    }

    /// The text that unreserved characters, sub-delimiters and percent-encoded UTF-8 stand for; `nil` for anything else.
    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let decoded = [UInt8](hex: String(Substring(rest.prefix(2)))), decoded.count == 1 else {
                    return nil
                }
                bytes += decoded
                rest = rest.dropFirst(2)
            } else if HostName.isLetterOrDigit(byte) || "-._~!$&'()*+,;=:".utf8.contains(byte) {
                bytes.append(byte)
            } else {
                return nil
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
