/// An error that an identity provider sent the browser back with (RFC 6749, 4.1.2.1; OpenID Connect Core 1.0, 3.1.2.6).
///
/// Anybody can have written its description, and it may repeat what it was sent. What is shown of it are words in plain
/// letters; nothing that may be a secret, an address or markup.
struct OpenIDConnectProviderError: Sendable {
    /// The registered name of the error, or that there is none, and what is left of the description.
    let text: String

    /// Whether it may be over in a while.
    let isTemporary: Bool

    /// Takes the parameters `error` and `error_description`, and a text that must not be shown.
    init(code: String, description: String?, hiding secret: String?) {
        let name = Self.registered.contains(code) ? code : "an unknown error"
        let words = description.map(Self.harmless) ?? ""
        let isShown = !words.isEmpty && !(secret.map { description?.contains($0) ?? false } ?? false)
        text = isShown ? "\(name): \(words)" : name
        isTemporary = ["temporarily_unavailable", "server_error"].contains(code)
    }

    /// The description's words, at most `longest` characters; a long word may be a secret, and is left out.
    private static func harmless(_ description: String) -> String {
        let plain = description.unicodeScalars.prefix(longest).map { isPlain($0) ? Character($0) : " " }
        return plain.split(separator: " ")
            .map { $0.count > longestWord ? "****" : String($0) }
            .joined(separator: " ")
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.isASCII else { return false }
        return scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
            || ".,:-_()".unicodeScalars.contains(scalar)
    }

    private static let longest = 120
    private static let longestWord = 20

    private static let registered: Set = [
        "access_denied", "account_selection_required", "consent_required", "interaction_required", "invalid_request",
        "invalid_request_object", "invalid_request_uri", "invalid_scope", "login_required",
        "registration_not_supported", "request_not_supported", "request_uri_not_supported", "server_error",
        "temporarily_unavailable", "unauthorized_client", "unsupported_response_type",
    ]
}
