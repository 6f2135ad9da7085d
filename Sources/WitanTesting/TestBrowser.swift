import HTTPTypes
import WitanCore
import WitanServices

/// What a browser without scripts does with the server's pages: it keeps cookies and sends the forms that it was shown.
package final class TestBrowser: Sendable {
    private let server: TestServer
    private let jar = CookieJar()

    /// A browser without cookies.
    package init(_ server: TestServer) {
        self.server = server
    }

    /// A browser in which somebody has signed in by a link.
    package static func signedIn(_ person: TestServer.Person, on server: TestServer) async throws -> TestBrowser {
        let browser = TestBrowser(server)
        let link = try await server.signIn.makeLink(for: person.id, email: person.email)
        _ = try await browser.get(link)
        let token = link.split(separator: "=", maxSplits: 1).last.map(String.init) ?? ""
        let answer = try await browser.post("/signin/link", ["token": token])
        guard answer.status == 303 else { throw Failure.bug("A link did not sign in: \(answer.status)") }
        return browser
    }

    /// The cookies by their names.
    package var cookies: [String: String] {
        get { jar.cookies }
        set { jar.cookies = newValue }
    }

    /// Asks for a page.
    @discardableResult
    package func get(_ path: String, headers: KeyValuePairs<String, String> = [:]) async throws -> TestServer.Answer {
        try await send(.get, path, headers: headers, body: nil)
    }

    /// Sends a form with the token of the page that was shown last; `token` stands in its place.
    @discardableResult
    package func post(
        _ path: String,
        _ fields: KeyValuePairs<String, String>,
        token: String? = nil,
        headers: KeyValuePairs<String, String> = [:]
    ) async throws -> TestServer.Answer {
        let all = [("form_token", token ?? jar.formToken)] + fields.map { ($0.key, $0.value) }
        let text = all.map { "\(Self.encode($0.0))=\(Self.encode($0.1))" }.joined(separator: "&")
        return try await send(.post, path, headers: headers, body: .text(text))
    }

    /// Asks for the page that an answer sends to, as long as it sends on.
    package func follow(_ answer: TestServer.Answer) async throws -> TestServer.Answer {
        var answer = answer
        for _ in 0..<5 {
            guard answer.status == 303, let location = answer.header("location") else { break }
            answer = try await get(location)
        }
        return answer
    }

    private func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        headers: KeyValuePairs<String, String>,
        body: TestServer.Body?
    ) async throws -> TestServer.Answer {
        var all = headers.map { ($0.key, $0.value) }
        if !cookies.isEmpty {
            all.append(("cookie", cookies.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: "; ")))
        }
        if body != nil {
            all.append(("content-type", "application/x-www-form-urlencoded"))
            // The host that requests without a network are for.
            if !all.contains(where: { $0.0 == "origin" }) { all.append(("origin", "http://localhost")) }
        }
        let answer = try await server.send(method, path, headerList: all, body: body)
        jar.take(answer)
        return answer
    }

    /// Percent-encodes all but letters and digits.
    private static func encode(_ text: String) -> String {
        text.utf8
            .map { byte in
                let isPlain =
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                return isPlain ? String(UnicodeScalar(byte)) : "%" + [byte].hex
            }
            .joined()
    }
}
