import WitanAccess
import WitanCore

/// The cookies that the pages set: a session's, and one that a form without a session is bound to.
///
/// Over HTTPS they are `Secure` and have the prefix `__Host-`, so that no other host and no plain connection can set
/// them (RFC 6265bis, 4.1.3.2). On the machine itself a browser takes them without.
struct BrowserCookies: Sendable {
    /// Whether the browser reached the server over HTTPS, or must have.
    let isSecure: Bool

    /// Takes the host that was asked, which a proxy may have put another in the place of, and whether people know the
    /// server by an https address.
    init(authority: String, isHTTPS: Bool) {
        isSecure = isHTTPS || !Self.isLoopback(authority)
    }

    /// The name of the session's cookie.
    var session: String { prefix + "witan_session" }

    /// The name of the cookie that sign-in forms are bound to.
    var form: String { prefix + "witan_form" }

    /// The name of the cookie that a sign-in at a provider is bound to.
    var openID: String { prefix + "witan_openid" }

    /// The name of the cookie that says once what a change has done.
    var notice: String { prefix + "witan_notice" }

    /// The header that sets a cookie; without an age it goes with the browser, with an age of 0 at once.
    func set(_ name: String, _ value: String, seconds: Int64? = nil) -> (name: String, value: String) {
        let age = seconds.map { "; Max-Age=\($0)" } ?? ""
        return ("Set-Cookie", "\(name)=\(value); Path=/; HttpOnly; SameSite=Lax\(age)\(isSecure ? "; Secure" : "")")
    }

    private var prefix: String { isSecure ? "__Host-" : "" }

    /// Whether a browser that asks this host does not leave the machine.
    static func isLoopback(_ authority: String) -> Bool {
        let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        // A browser asks no resolver for the names below it (Secure Contexts, 3.1).
        return LoopbackHost.isLoopback(host) || host.hasSuffix(".localhost")
    }
}
