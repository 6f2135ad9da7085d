import WitanAccess
import WitanCore
import WitanServices
import WitanStorage

// Signing in, by each of the three ways, and out (ADR 0018).
extension Console {
    // MARK: With a password

    func signInPage(
        _ request: PageRequest,
        next: String? = nil,
        alert: String? = nil,
        email: String = ""
    ) throws -> PageResponse {
        let (cookie, response) = formCookie(request)
        let next = next ?? Self.next(request)
        let values = SignInValues(
            email: email.clipped(to: EmailAddress.maximumCharacters),
            next: next,
            provider: components.openID?.configuration.displayName,
            providerAddress: "/signin/oidc" + FormFields.query([("next", next == Self.start ? nil : next)]),
            isPlain: !BrowserCookies.isLoopback(request.authority) && !components.publicURL().hasPrefix("https:")
        )
        let frame = PageFrame(
            title: "Sign in · Witan",
            formToken: FormToken(cookie: cookie).text,
            signedIn: nil,
            alert: alert
        )
        var page = PageResponse.html(try templates.render("sign-in", frame, values))
        page.headers += response
        return page
    }

    func signIn(_ request: PageRequest) async throws -> PageResponse {
        try requireFormToken(request)
        let email = request.form.text("email") ?? ""
        let password = request.form["password"] ?? ""
        guard !email.isEmpty, !password.isEmpty else {
            return try signInPage(request, alert: "Write your e-mail address and your password.", email: email)
        }
        do {
            let begun = try await components.signIn.signIn(email: email, password: password, from: request.origin)
            return begin(begun, request, to: Self.next(request))
        } catch let failure as Failure where Self.canBeTriedAgain(failure) {
            return try signInPage(request, alert: failure.message, email: email).failing(with: failure)
        }
    }

    private static func canBeTriedAgain(_ failure: Failure) -> Bool {
        [.unauthenticated, .forbidden, .rateLimited, .unavailable].contains(failure.code)
    }

    // MARK: With a link

    /// One button, because a look at the address alone, such as a mail program's, must not use the link up, and because
    /// nobody is to be signed in as somebody else without noticing.
    func linkPage(_ request: PageRequest) async throws -> PageResponse {
        let token = request.query["token"] ?? ""
        let link = try await components.signIn.links.read(token)
        let (cookie, headers) = formCookie(request)
        let frame = PageFrame(title: "Sign in · Witan", formToken: FormToken(cookie: cookie).text, signedIn: nil)
        let values = LinkValues(token: token, email: try await components.services.accounts.email(of: link.userID))
        var page = PageResponse.html(try templates.render("sign-in-link", frame, values))
        page.headers += headers
        return page
    }

    func useLink(_ request: PageRequest) async throws -> PageResponse {
        try requireFormToken(request)
        let begun = try await components.signIn.signIn(link: request.form["token"] ?? "", from: request.origin)
        return begin(begun, request, to: Self.start)
    }

    // MARK: At a provider

    func beginOpenID(_ request: PageRequest) async throws -> PageResponse {
        let provider = try openID()
        let next = Self.next(request)
        do {
            let (url, pending) = try await provider.begin(redirectURL: redirectURL(request))
            var response = PageResponse.seeOther(url)
            let cookies = self.cookies(request)
            response.headers.append(
                cookies.set(
                    cookies.openID,
                    Self.kept(pending, next: next),
                    seconds: components.limits.identityProviderSignInDuration.components.seconds
                )
            )
            return response
        } catch {
            // A pattern here is more than the compiler (6.3.1) can take.
            guard error.code != .bug else { throw error }
            return try refused(error, request, next: next)
        }
    }

    func finishOpenID(_ request: PageRequest) async throws -> PageResponse {
        let provider = try openID()
        let cookies = self.cookies(request)
        let (pending, next) = Self.read(request.cookies[cookies.openID] ?? "")
        var response: PageResponse
        do {
            // Before it counts as an attempt: any site's page can send a browser here, but without the cookie.
            let callback = try provider.callback(request.query.fields, to: OpenIDConnectPending(parsing: pending))
            let begun = try await components.signIn.signIn(from: request.origin) {
                try await provider.finish(callback, redirectURL: redirectURL(request))
            }
            response = begin(begun, request, to: next)
        } catch let failure as Failure where failure.code != .bug {
            response = try refused(failure, request, next: next)
        }
        response.headers.append(cookies.set(cookies.openID, "", seconds: 0))
        return response
    }

    /// What the browser keeps while the person is at the provider: the sign-in, and where they want to go then.
    private static func kept(_ pending: OpenIDConnectPending, next: String) -> String {
        next == start ? pending.text : "\(pending.text).\(Base64URL.encode(Array(next.utf8)))"
    }

    /// What a browser has kept; whatever it says, nobody is sent to another place than after a password.
    private static func read(_ kept: String) -> (pending: String, next: String) {
        let parts = kept.split(separator: ".", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6 else { return (kept, start) }
        let place = Base64URL.decode(parts[5].utf8).map { String(decoding: $0, as: UTF8.self) }
        return (parts.dropLast().joined(separator: "."), next(place ?? ""))
    }

    private func refused(_ failure: Failure, _ request: PageRequest, next: String) throws -> PageResponse {
        try signInPage(request, next: next, alert: failure.message).failing(with: failure)
    }

    private func openID() throws(Failure) -> OpenIDConnectClient {
        guard let openID = components.openID else { throw .noSuchPage }
        return openID
    }

    private func redirectURL(_ request: PageRequest) -> String {
        components.publicURL() + OpenIDConnectConfiguration.redirectPath
    }

    // MARK: Out

    func signOutPage(_ request: PageRequest) async throws -> PageResponse {
        let (identity, cookie) = try await session(request)
        let frame = PageFrame(title: "Sign out · Witan", formToken: FormToken(cookie: cookie).text, signedIn: nil)
        return .html(try templates.render("sign-out", frame, SignOutValues(email: identity.account.email)))
    }

    func signOut(_ request: PageRequest) async throws -> PageResponse {
        let cookies = self.cookies(request)
        var response = PageResponse.seeOther("/signin")
        response.headers.append(cookies.set(cookies.session, "", seconds: 0))
        do {
            let (identity, cookie) = try await session(request)
            guard FormToken(cookie: cookie).isEqual(to: request.form["form_token"]) else { throw Failure.noFormToken }
            if let id = identity.keyID {
                try await components.signIn.end(.one(id), for: Caller(identity: identity, origin: request.origin))
            }
        } catch is SignedOut {
            // Whoever's session has ended already is signed out, once every server knows.
            if request.cookies[cookies.session] != nil { try await components.signIn.waitForEnds() }
        } catch let failure as Failure where [.notFound, .unauthenticated].contains(failure.code) {
            // It has ended meanwhile.
            try await components.signIn.waitForEnds()
        }
        return response
    }

    // MARK: Steps

    /// Where everybody starts.
    private static let start = "/app"

    /// Longer ones would not go into a cookie with all that is there beside them (RFC 6265, 6.1).
    private static let mostBytesOfNext = 2_000

    /// Where to go after signing in: a page of the settings, and no other place.
    private static func next(_ request: PageRequest) -> String {
        next(request.form["next"] ?? request.query["next"] ?? "")
    }

    private static func next(_ next: String) -> String {
        guard next.hasPrefix("/app/"), next.utf8.count <= mostBytesOfNext,
            next.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "\\") })
        else { return start }
        return next
    }

    /// A new secret is made at each sign-in, whatever cookie there was before: nobody can fix another's session.
    private func begin(_ begun: SignInService.Begun, _ request: PageRequest, to address: String) -> PageResponse {
        let cookies = self.cookies(request)
        var response = PageResponse.seeOther(address)
        response.headers.append(
            cookies.set(
                cookies.session,
                begun.secret.reveal(),
                seconds: SignInService.lifetime.components.seconds
            )
        )
        response.headers.append(cookies.set(cookies.form, "", seconds: 0))
        return response
    }

    /// The cookie that a form without a session is bound to, and the header that sets it when it is new.
    private func formCookie(_ request: PageRequest) -> (value: String, headers: [(name: String, value: String)]) {
        let cookies = self.cookies(request)
        if let cookie = request.cookies[cookies.form], cookie.utf8.count == 64 { return (cookie, []) }
        var random = components.random
        let value = random.bytes(32).hex
        return (value, [cookies.set(cookies.form, value)])
    }

    private func requireFormToken(_ request: PageRequest) throws(Failure) {
        let name = cookies(request).form
        guard let cookie = request.cookies[name], cookie.utf8.count == 64,
            FormToken(cookie: cookie).isEqual(to: request.form["form_token"])
        else { throw .noFormToken }
    }
}

private struct SignInValues: Sendable {
    let email: String
    let next: String
    let provider: String?
    let providerAddress: String
    /// Whether the browser will not keep a session, because the connection can be read by others.
    let isPlain: Bool
}

private struct LinkValues: Sendable {
    let token: String
    let email: String
}

private struct SignOutValues: Sendable {
    let email: String
}
