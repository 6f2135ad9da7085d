import WitanAccess
import WitanCore

/// The token that each form carries, so that no other site can send it (OWASP, Cross-Site Request Forgery Prevention).
///
/// It is made of the cookie that the browser sends with the form: whoever cannot read the page cannot make it.
struct FormToken: Sendable {
    /// The text for the form's hidden field.
    let text: String

    /// The token of a cookie's value.
    init(cookie: String) {
        text = CredentialDigest(of: "witan form token:" + cookie).hexadecimal
    }

    /// Whether a form carries this token, found in a time that does not depend on where it differs.
    func isEqual(to other: String?) -> Bool { other?.utf8.isEqualInConstantTime(to: text.utf8) ?? false }
}
