import HTTPTypes
import Testing
import WitanCore
import WitanEngines
import WitanHTTP
import WitanServices
import WitanTesting

@testable import WitanConsole

/// What protects the pages and their forms (ADR 0018).
@Suite("The pages are for their own origin alone")
struct PageSecurityTests {
    private static let pages =
        ["api-keys", "general"].map { "/app/~/configuration/org/\($0)" }
        + ["/app/~/configuration/account", "/signin", "/app/~/configuration/org/no-such-page"]

    @Test("each page has the headers that keep scripts, frames and caches away", arguments: pages)
    func headers(path: String) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let answer = try await browser.get(path, headers: ["origin": "https://www.braintrust.dev"])
            let policy = answer.header("content-security-policy") ?? ""
            #expect(policy.contains("default-src 'none'"))
            #expect(policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe"))
            #expect(answer.header("x-frame-options") == "DENY")
            #expect(answer.header("x-content-type-options") == "nosniff")
            #expect(answer.header("referrer-policy") == "same-origin")
            #expect(answer.header("cache-control") == "no-store")
            // The server of the tests is known by an https address.
            #expect(answer.header("strict-transport-security") == "max-age=31536000")
            #expect(answer.header("access-control-allow-origin") == nil)
            #expect(answer.header("content-type") == "text/html; charset=utf-8")
            for inline in [" style=", " onclick=", "<script>", "<style"] { #expect(!answer.text.contains(inline)) }
        }
    }

    @Test("without TLS no browser is told to insist on it")
    func plain() async throws {
        var options = TestServer.Options()
        options.configuration.publicURL = "http://127.0.0.1:8000"
        try await TestServer.run(on: .chosen, options) { server async throws in
            let answer = try await TestBrowser(server).get("/signin")
            #expect(answer.header("strict-transport-security") == nil)
        }
    }

    @Test("the cookies are for this host, hidden from scripts, and secure but on the machine itself")
    func cookies() {
        for (authority, isSecure) in [
            ("witan.test", true), ("127.0.0.1:8000", false), ("localhost:8000", false), ("[::1]:8000", false),
            ("127.0.0.1.evil.test", true), ("127.evil", true), ("", true),
        ] {
            let cookies = BrowserCookies(authority: authority, isHTTPS: false)
            #expect(cookies.session == (isSecure ? "__Host-witan_session" : "witan_session"))
            let header = cookies.set(cookies.session, "value", seconds: 60).value
            let attributes = "Path=/; HttpOnly; SameSite=Lax; Max-Age=60\(isSecure ? "; Secure" : "")"
            #expect(header == "\(cookies.session)=value; \(attributes)")
            #expect(BrowserCookies(authority: authority, isHTTPS: true).session == "__Host-witan_session")
        }
    }

    @Test("every form that changes something carries the token, and is one of those that are tried below")
    func forms() {
        let written = GuardedForm.ofTemplates
        #expect(written.allSatisfy { $0.hasToken })
        let tried = Set(GuardedForm.all.map(\.name))
        let names = Set(written.flatMap(\.names))
        #expect(names.subtracting(tried).isEmpty, "Add a row to GuardedForm for each of these.")
        #expect(tried.subtracting(names).isEmpty, "No template has these forms any more.")
    }

    @Test(
        "a form from another origin, without its token or with another's is refused, and does nothing",
        arguments: GuardedForm.all
    )
    func forgery(form: GuardedForm) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let sending = try await form.sending(server)
            func newBrowser(_ person: TestServer.Person) async throws -> TestBrowser {
                form.isSignedIn ? try await TestBrowser.signedIn(person, on: server) : TestBrowser(server)
            }
            let others = form.isSignedIn ? "/app/Acme/configuration/account" : "/signin"
            let foreign = try await newBrowser(server.member).get(others).formToken
            #expect(foreign.count == 64)
            let browser = try await newBrowser(server.owner)
            try await browser.get(sending.page)
            let before = try await server.content()
            for token in ["", String(repeating: "0", count: 64), foreign] {
                #expect(try await browser.post(sending.path, sending.fields, token: token).status == 403)
            }
            for headers in [
                ["origin": "https://evil.test"], ["origin": "null"], ["origin": ""],
                ["sec-fetch-site": "cross-site"], ["sec-fetch-site": "same-site"],
            ] as [KeyValuePairs<String, String>] {
                #expect(try await browser.post(sending.path, sending.fields, headers: headers).status == 403)
            }
            #expect(try await server.content() == before)
            // Sent by its own page it does something, or else nothing would have been shown.
            #expect(try await browser.post(sending.path, sending.fields).status < 400)
            #expect(try await server.content() != before)
        }
    }

    @Test("a browser that was shown no form signs nobody in")
    func noForm() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let empty = FormToken(cookie: "").text
            for token in ["", empty] {
                let answer = try await TestBrowser(server)
                    .post("/signin", ["email": server.owner.email, "password": "x"], token: token)
                #expect(answer.status == 403)
            }
        }
    }

    @Test("a form that is too large, or is none, is refused in a sentence")
    func oversized() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get("/app/~/configuration/account")
            let long = String(repeating: "a", count: 70_000)
            let form: KeyValuePairs = ["content-type": "application/x-www-form-urlencoded"]
            for (answer, status, sentence) in [
                (
                    try await browser.post("/app/~/configuration/org/api-keys?add=1", ["name": long]), 413,
                    "The form is larger than 65536 bytes; write less."
                ),
                (try await server.send(.post, "/signin", body: "{}"), 400, "The page takes forms alone"),
                (try await server.send(.post, "/signin", headers: form, body: "email=%zz"), 400, "a percent sign"),
                (try await server.send(.get, "/signin?next=%zz"), 400, "a percent sign"),
                (try await server.send(.get, "/app/%ff/configuration/account"), 400, "not UTF-8"),
            ] {
                #expect(answer.status == status)
                #expect(answer.text.contains(#"<p role="alert">"#) && answer.text.contains(sentence), "\(answer.text)")
                #expect(answer.header("content-type") == "text/html; charset=utf-8")
                #expect(answer.header("content-security-policy")?.contains("default-src 'none'") == true)
                #expect(answer.header("x-content-type-options") == "nosniff")
                #expect(answer.header("cache-control") == "no-store")
            }
        }
    }

    @Test("a person with a browser is sent from / to the pages, a program is told of the API")
    func root() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await server.send(
                .get,
                "/",
                headers: ["accept": "text/html,application/xhtml+xml,*/*;q=0.8"]
            )
            #expect(browser.status == 303)
            #expect(browser.header("location") == "/app")
            let program = try await server.send(.get, "/", headers: ["accept": "*/*"])
            #expect(program.status == 200)
            #expect(program.text.contains("openapi.json"))
        }
    }

    @Test("the addresses that people know lead to the pages")
    func addresses() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            for path in ["/app", "/app/token", "/app/settings?subroute=api-keys", "/app/settings"] {
                let answer = try await browser.get(path)
                #expect(answer.header("location") == "/app/~/configuration/org/api-keys")
            }
            let page = try await browser.get("/app/Acme/configuration/org/api-keys")
            #expect(page.status == 200)
            #expect(try await browser.get("/app/Globex/configuration/org/api-keys").status == 403)
            #expect(try await browser.get("/app/Acme/configuration/org/nothing").status == 404)
        }
    }

    @Test("the stylesheet and the script may be kept for good, because their address changes with them")
    func assets() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let page = try await server.send(.get, "/signin")
            for name in ["witan.css", "witan.js"] {
                let address = page.text.split(separator: "\"").first { $0.hasPrefix("/assets/\(name)?v=") }
                let asset = try await server.send(.get, String(try #require(address)))
                #expect(asset.status == 200)
                #expect(asset.header("cache-control")?.contains("immutable") == true)
                #expect(asset.bytes.count < 60 << 10)
            }
            #expect(try await server.send(.get, "/assets/nothing").status == 404)
        }
    }
}
