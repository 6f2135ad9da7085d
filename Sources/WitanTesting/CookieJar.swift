import HTTPTypes
import Synchronization

/// The cookies and the form's token that a browser in a test has been sent.
final class CookieJar: Sendable {
    private let content = Mutex<(cookies: [String: String], formToken: String)>(([:], ""))

    var cookies: [String: String] {
        get { content.withLock(\.cookies) }
        set { content.withLock { $0.cookies = newValue } }
    }

    /// The token of the form that was shown last.
    var formToken: String { content.withLock(\.formToken) }

    /// Keeps what an answer sets.
    func take(_ answer: TestServer.Answer) {
        let set = answer.headers[values: .setCookie]
        let marker = #"name="form_token" value=""#
        let token = answer.text.split(separator: marker, maxSplits: 1).dropFirst().first?.prefix { $0 != "\"" }
        content.withLock { content in
            for cookie in set {
                let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
                guard let name = pair.first else { continue }
                content.cookies[String(name)] = cookie.contains("Max-Age=0") ? nil : String(pair.last ?? "")
            }
            if let token { content.formToken = String(token) }
        }
    }
}
