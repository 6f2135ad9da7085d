import HTTPTypes
import WitanCore

/// Which web pages' scripts may call the server (Fetch Standard, "CORS protocol").
package struct AllowedOrigins: Sendable {
    private let exact: Set<String>
    private let suffixes: [(scheme: String, suffix: String)]
    private let own: PublicURL
    private let allowsAny: Bool

    /// The origins that the official servers allow.
    package static let official = [
        "https://www.braintrust.dev", "https://www.braintrustdata.com", "https://*.preview.braintrust.dev",
    ]

    /// Takes the server's own public URL and the origins to allow besides.
    ///
    /// An origin is `https://example.com`, `https://*.example.com` for every host below one, or `*` for all.
    package init(publicURL: PublicURL, allowed: [String]) {
        let patterns = allowed.filter { $0.contains("://*.") }
        exact = Set(allowed)
        suffixes = patterns.compactMap { pattern in
            guard let split = pattern.firstRange(of: "://*") else { return nil }
            return (String(pattern[..<split.lowerBound]) + "://", String(pattern[split.upperBound...]))
        }
        own = publicURL
        allowsAny = allowed.contains("*")
    }

    /// Adds the headers that every answer to a request from another origin carries.
    func allow(_ origin: String, in headers: inout HTTPFields) {
        headers[.accessControlAllowOrigin] = isAllowed(origin) ? origin : own.text
        headers[.accessControlAllowCredentials] = "true"
        headers[.accessControlExposeHeaders] = Self.exposed
        headers[.vary] = "Origin"
    }

    /// Adds the headers of an answer to OPTIONS.
    func preflight(_ origin: String?, methods: [String], in headers: inout HTTPFields) {
        allow(origin ?? own.text, in: &headers)
        headers[.accessControlAllowMethods] = methods.joined(separator: ", ")
        headers[.accessControlAllowHeaders] = Self.requestHeaders
        headers[.accessControlMaxAge] = "86400"
    }

    private func isAllowed(_ origin: String) -> Bool {
        if allowsAny || exact.contains(origin) || origin == own.text { return true }
        return suffixes.contains { scheme, suffix in
            guard origin.hasPrefix(scheme), origin.hasSuffix(suffix), origin.count > scheme.count + suffix.count else {
                return false
            }
            let names = origin.dropFirst(scheme.count).dropLast(suffix.count)
            return names.utf8.allSatisfy(Self.isHostCharacter)
        }
    }

    /// What stands for the star must be part of a host's name, not of a path or a port.
    private static func isHostCharacter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    private static let exposed = [
        "x-bt-cursor", "x-bt-found-existing", "x-bt-query-plan", "x-bt-internal-trace-id", "retry-after", "ratelimit",
        "ratelimit-policy", "x-bt-audit-user-id", "x-bt-audit-user-email", "x-bt-audit-normalized-url",
        "x-bt-audit-resources", "x-revocation-seq",
    ]
    .joined(separator: ",")

    private static let requestHeaders = [
        "Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token", "x-bt-auth-token",
        "x-bt-parent", "x-bt-org-name", "x-bt-project-id", "x-bt-stream-fmt", "x-bt-use-cache", "x-bt-use-gateway",
        "x-bt-app-origin", "x-bt-impersonate-user", "x-bt-enable-audit", "traceparent", "tracestate", "x-stainless-os",
        "x-stainless-lang", "x-stainless-package-version", "x-stainless-runtime", "x-stainless-runtime-version",
        "x-stainless-arch", "x-stainless-async", "x-stainless-retry-count", "x-stainless-read-timeout",
    ]
    .joined(separator: ", ")
}
