package import HTTPTypes

/// Finds the credential in a request's headers as the hosted service does.
package enum CredentialHeader {
    /// The credential: of `x-bt-auth-token`, which wins, or of `Authorization: Bearer`, whose last value counts.
    ///
    /// `nil` when there is none; the word `null` is none. An `Authorization` of another form gives an empty text, which
    /// is refused like every credential that is not good.
    package static func credential(in headers: HTTPFields) -> String? {
        if let token = headers[values: .authToken].last.map(trimmed), !isNone(token) { return String(token) }
        guard let authorization = headers[values: .authorization].last.map(trimmed), !authorization.isEmpty else {
            return nil
        }
        let scheme = Substring(authorization.unicodeScalars.prefix { $0 != " " })
        guard scheme.endIndex < authorization.endIndex, scheme.lowercased() == "bearer" else {
            return isNone(authorization) || scheme.lowercased() == "bearer" ? nil : ""
        }
        let token = trimmed(authorization[scheme.endIndex...])
        return isNone(token) ? nil : String(token)
    }

    private static func isNone(_ token: Substring) -> Bool {
        token.isEmpty || (token.utf8.count == 4 && token.lowercased() == "null")
    }

    private static func trimmed(_ text: String) -> Substring { trimmed(text[...]) }

    private static func trimmed(_ text: Substring) -> Substring {
        // A space and a combining accent are one character, which is no space; as scalars they are two.
        var scalars = text.unicodeScalars
        while scalars.first == " " || scalars.first == "\t" { scalars.removeFirst() }
        while scalars.last == " " || scalars.last == "\t" { scalars.removeLast() }
        return Substring(scalars)
    }
}

extension HTTPField.Name {
    /// `x-bt-auth-token`: the credential, before `Authorization`.
    static let authToken = required("x-bt-auth-token")
    /// `x-bt-impersonate-user`: the person to act as.
    static let impersonateUser = required("x-bt-impersonate-user")
    /// `x-bt-enable-audit`: whether the answer tells what it is about.
    static let enableAudit = required("x-bt-enable-audit")
    /// `x-bt-org-name`: the organization that the request is about.
    static let organizationName = required("x-bt-org-name")
    /// `x-bt-found-existing`: a create met an object that was there.
    static let foundExisting = required("x-bt-found-existing")
    /// `x-revocation-seq`: the number of the change that the call has made and that every server knows.
    static let revocationSequence = required("x-revocation-seq")
    /// `x-bt-internal-trace-id`: the request's trace id.
    static let internalTraceID = required("x-bt-internal-trace-id")
    /// `traceparent` (W3C Trace Context).
    static let traceParent = required("traceparent")
    /// `tracestate` (W3C Trace Context).
    static let traceState = required("tracestate")
    /// `X-Forwarded-For`: the addresses behind a proxy.
    static let forwardedFor = required("x-forwarded-for")
    /// `RateLimit` of the draft of that name.
    static let rateLimit = required("ratelimit")
    /// `RateLimit-Policy` of the same draft.
    static let rateLimitPolicy = required("ratelimit-policy")

    static func required(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is not a header's name") }
        return name
    }
}
