/// The headers of every page (OWASP Secure Headers Project).
enum SecurityHeaders {
    /// All of them, for a server that is or is not reached over HTTPS.
    static func all(isSecure: Bool) -> [(name: String, value: String)] {
        var headers = [
            ("Content-Security-Policy", policy),
            ("X-Frame-Options", "DENY"),
            ("X-Content-Type-Options", "nosniff"),
            // With “no-referrer” browsers would send `Origin: null` with the pages' own forms.
            ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
            // Pages show what only this person may see, and keys that nobody may see twice.
            ("Cache-Control", "no-store"),
        ]
        if isSecure { headers.append(("Strict-Transport-Security", "max-age=31536000")) }
        return headers
    }

    private static let policy = [
        "default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self'", "connect-src 'self'",
        "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    ]
    .joined(separator: "; ")
}
