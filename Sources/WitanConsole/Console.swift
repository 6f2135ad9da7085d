import WitanAccess
package import WitanCore
import WitanResources
package import WitanServices
import WitanStorage

/// The settings pages and the ways to sign in to them (ADR 0018).
///
/// It knows no HTTP library: a request comes in, an answer goes out. What people do here goes through the services and
/// the evaluator that the API uses, and what they may not do is refused there.
package struct Console: Sendable {
    /// What the pages work with.
    package struct Components: Sendable {
        /// Every service.
        package var services: Services

        /// What finds out whose session a cookie is.
        package var authenticator: Authenticator

        /// What begins and ends sessions.
        package var signIn: SignInService

        /// When which credential was used.
        package var lastUses: LastUses

        /// The provider to sign in at; nil for none.
        package var openID: OpenIDConnectClient?

        /// The address that clients know the server by, once it listens.
        package var publicURL: @Sendable () -> String

        /// Refuses a request that is too many, for a session or in an organization.
        package var admit: @Sendable (Identity) throws -> Void

        /// The clock.
        package var time: TimeSource

        /// Where the cookies of forms come from.
        package var random: RandomSource

        /// Bounds on numbers and sizes.
        package var limits: Limits

        /// Takes them all.
        package init(
            services: Services,
            authenticator: Authenticator,
            signIn: SignInService,
            lastUses: LastUses,
            openID: OpenIDConnectClient?,
            publicURL: @escaping @Sendable () -> String,
            admit: @escaping @Sendable (Identity) throws -> Void,
            time: TimeSource,
            random: RandomSource,
            limits: Limits
        ) {
            self.services = services
            self.authenticator = authenticator
            self.signIn = signIn
            self.lastUses = lastUses
            self.openID = openID
            self.publicURL = publicURL
            self.admit = admit
            self.time = time
            self.random = random
            self.limits = limits
        }
    }

    let components: Components
    let templates: PageTemplates

    /// The pages of an organization, in the order of the navigation.
    let pages: [any SettingsPage]

    /// Takes what the pages work with.
    ///
    /// - Throws: `.bug` for a template that cannot be read.
    package init(_ components: Components) throws(Failure) {
        self.components = components
        templates = try PageTemplates()
        let services = components.services
        pages = [
            APIKeysPage(
                keys: services[APIKeysPage.resource],
                time: components.time,
                limits: components.limits,
                publicURL: components.publicURL
            ),
            ServiceTokensPage(
                tokens: services[ServiceTokensPage.resource],
                members: services.members,
                time: components.time,
                limits: components.limits,
                publicURL: components.publicURL
            ),
            MembersPage(
                users: services[MembersPage.resource],
                groups: services[GroupResource.resource],
                members: services.members,
                limits: components.limits
            ),
            GroupsPage(
                groups: services[GroupResource.resource],
                roles: services[RoleResource.resource],
                grants: services[ACLResource.resource],
                users: services[UserResource.resource],
                members: services.members,
                limits: components.limits
            ),
            AuditLogPage(
                events: services[AuditLogPage.resource],
                time: components.time,
                limits: components.limits
            ),
            GeneralPage(organizations: services[GeneralPage.resource], publicURL: components.publicURL),
        ]
    }

    /// Answers a request; whatever goes wrong becomes a page with a sentence.
    package func answer(_ request: PageRequest) async -> PageResponse {
        do {
            return withHeaders(try await route(request))
        } catch let refusal as SignedOut {
            return withHeaders(.seeOther("/signin" + FormFields.query([("next", refusal.next)])))
        } catch {
            return answer(Failure(of: error))
        }
    }

    /// The page for what failed, such as a request that cannot be read.
    package func answer(_ failure: Failure) -> PageResponse {
        withHeaders(failurePage(for: failure))
    }

    /// Adds what every answer has, unless it says otherwise itself.
    private func withHeaders(_ response: PageResponse) -> PageResponse {
        var response = response
        if let wait = response.failure?.retryAfter {
            response.headers.append(("Retry-After", "\(max(1, wait.wholeSecondsRoundedUp))"))
        }
        for header in SecurityHeaders.all(isSecure: components.publicURL().hasPrefix("https:"))
        where !response.headers.contains(where: { $0.name == header.name }) {
            response.headers.append(header)
        }
        return response
    }

    private func route(_ request: PageRequest) async throws -> PageResponse {
        if request.method == .post { try requireOwnOrigin(request) }
        let path = request.path
        switch (request.method, path.first, path.count) {
        case (.get, "assets", 2):
            return try asset(path[1])
        case (_, "signin", 1):
            return request.method == .get ? try signInPage(request) : try await signIn(request)
        case (_, "signin", 2) where path[1] == "link":
            return request.method == .get ? try await linkPage(request) : try await useLink(request)
        case (.get, "signin", 2) where path[1] == "oidc":
            return try await beginOpenID(request)
        case (.get, "signin", 3) where path[1] == "oidc" && path[2] == "callback":
            return try await finishOpenID(request)
        case (_, "signout", 1):
            return request.method == .get ? try await signOutPage(request) : try await signOut(request)
        case (.get, "app", 1):
            return .seeOther(SettingsPlace.current("api-keys"))
        case (.get, "app", 2) where path[1] == "token":
            return .seeOther(SettingsPlace.current("api-keys"))
        case (.get, "app", 2) where path[1] == "settings":
            let wanted = request.query["subroute"] ?? "api-keys"
            let page = pages.first { $0.place.slug == wanted } ?? pages[0]
            return .seeOther(SettingsPlace.current(page.place.slug))
        case (_, "app", 4) where path[2] == "configuration" && path[3] == "account":
            return try await answer(request, organization: path[1], page: nil)
        case (_, "app", 5) where path[2] == "configuration" && path[3] == "org":
            guard let page = pages.first(where: { $0.place.slug == path[4] }) else { throw Failure.noSuchPage }
            return try await answer(request, organization: path[1], page: page)
        default:
            throw Failure.noSuchPage
        }
    }

    // MARK: A page of the settings

    /// Answers a request for a page of an organization's, or, without one, for the page of the person's own account.
    private func answer(
        _ request: PageRequest,
        organization: String,
        page: (any SettingsPage)?
    ) async throws -> PageResponse {
        let visit = try await visit(request, organization)
        if request.method == .post {
            guard visit.formToken.isEqual(to: request.form["form_token"]) else { throw Failure.noFormToken }
        }
        let shown = page ?? AccountPage(signIn: components.signIn, time: components.time)
        guard shown.isOffered(to: visit) else { throw Failure.notOffered(shown.place.title) }
        let outcome =
            switch request.method {
            case .get: try await shown.show(visit)
            case .post: try await shown.change(visit)
            }
        switch outcome {
        case .response(let response):
            return response
        case .page(let content):
            let frame = frame(of: visit, shown.place, content)
            let html = try content.render(templates, frame)
            var response = PageResponse.html(html)
            if let failure = content.failure { response = response.failing(with: failure) }
            if content.setsCurrentOrganization, organization != "~" {
                let cookie = cookies(request)
                response.headers.append(cookie.set("witan_organization", visit.organization.organizationID.description))
            }
            if visit.told(of: shown.place) != nil {
                response.headers.append(visit.cookies.set(visit.cookies.notice, "", seconds: 0))
            }
            return response
        }
    }

    /// Who asks, and in which organization.
    ///
    /// - Throws: `SignedOut` without a good session.
    private func visit(_ request: PageRequest, _ name: String) async throws -> Visit {
        let cookies = self.cookies(request)
        let (identity, cookie) = try await session(request)
        guard !identity.memberships.isEmpty else {
            throw Failure(.forbidden, "You are in no organization any more; ask an owner of one to invite you.")
        }
        let membership: Account.Membership?
        if name == "~" {
            let last = request.cookies["witan_organization"]
            membership =
                identity.memberships.first { $0.organizationID.description == last } ?? identity.memberships.first
        } else {
            // A name before an id: an organization may be named like another one's id.
            membership =
                identity.memberships.first { $0.organizationName.utf8.elementsEqual(name.utf8) }
                ?? identity.memberships.first { $0.organizationID.description == name }
        }
        guard let membership else {
            throw Failure(.forbidden, "You are not in an organization of that name, or there is none.")
        }
        // Whatever a page does is done in its one organization.
        let caller = Caller(identity: identity.within([membership]), origin: request.origin)
        return Visit(
            request: request,
            caller: caller,
            everywhere: Caller(identity: identity, origin: request.origin),
            organization: membership,
            access: try await components.services.accessControl.access(for: caller.identity),
            formToken: FormToken(cookie: cookie),
            cookies: cookies
        )
    }

    /// The session that a request belongs to, and its cookie.
    ///
    /// - Throws: `SignedOut` when there is none that is good.
    func session(_ request: PageRequest) async throws -> (identity: Identity, cookie: String) {
        let name = cookies(request).session
        guard let cookie = request.cookies[name] else { throw SignedOut(request) }
        do {
            let identity = try await components.authenticator.authenticate(
                cookie,
                sentIn: .browser,
                from: IPAddress.limiterKey(for: request.origin.clientAddress ?? "")
            )
            components.lastUses.note(identity)
            try components.admit(identity)
            return (identity, cookie)
        } catch let failure as Failure where failure.code == .unauthenticated {
            throw SignedOut(request)
        }
    }

    private func frame(of visit: Visit, _ place: SettingsPlace, _ content: PageContent) -> PageFrame {
        let memberships = visit.everywhere.identity.memberships
        let current = visit.organization.organizationName.shortened(to: 60)
        let signedIn = PageFrame.SignedIn(
            organization: current,
            hasSeveral: memberships.count > 1,
            organizations: memberships.count < 2
                ? []
                : memberships.prefix(components.limits.offeredOrganizations)
                    .map { membership in
                        PageFrame.Link(
                            title: membership.organizationName.shortened(to: 60),
                            address: SettingsPlace.address(membership, pages[0].place.slug),
                            isCurrent: membership == visit.organization
                        )
                    },
            email: visit.caller.identity.account.email,
            pages: pages.filter { $0.isOffered(to: visit) }
                .map { page in
                    PageFrame.Link(
                        title: page.place.title,
                        address: SettingsPlace.address(visit.organization, page.place.slug),
                        isCurrent: page.place == place
                    )
                },
            account: PageFrame.Link(
                title: "Account",
                address: SettingsPlace.account(visit.organization),
                isCurrent: place == AccountPage.place
            )
        )
        return PageFrame(
            title: "\(content.title ?? place.title) · \(current) · Witan",
            formToken: visit.formToken.text,
            signedIn: signedIn,
            notice: content.notice,
            alert: content.alert
        )
    }

    // MARK: Steps

    /// How cookies are called and set for whoever asks.
    func cookies(_ request: PageRequest) -> BrowserCookies {
        BrowserCookies(authority: request.authority, isHTTPS: components.publicURL().hasPrefix("https:"))
    }

    private func asset(_ name: String) throws -> PageResponse {
        guard let asset = Asset.all.first(where: { $0.name == name }) else { throw Failure.noSuchPage }
        return PageResponse(
            headers: [
                ("Content-Type", asset.mediaType), ("Cache-Control", "public, max-age=31536000, immutable"),
            ],
            body: .bytes(asset.bytes)
        )
    }

    /// Refuses a form that another site's page has sent, or that does not say whose page has.
    ///
    /// Every browser says it with a form (Fetch Metadata Request Headers; RFC 6454).
    private func requireOwnOrigin(_ request: PageRequest) throws(Failure) {
        if let site = request.fetchSite, site != "same-origin", site != "none" { throw .foreignForm }
        guard let origin = request.originHeader else {
            guard request.fetchSite != nil else { throw .foreignForm }
            return
        }
        let authority = origin.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).last
            .map(String.init)
        guard origin == components.publicURL() || authority?.lowercased() == request.authority.lowercased() else {
            throw .foreignForm
        }
    }

    private func failurePage(for failure: Failure) -> PageResponse {
        let values = FailureValues(
            heading: failure.heading,
            sentence: failure.code == .bug ? "Something is wrong in the server; its log says what." : failure.message
        )
        let frame = PageFrame(title: "\(failure.heading) · Witan", formToken: "", signedIn: nil)
        // Without its template nothing can be shown, and the status says enough.
        let html = try? templates.render("failure", frame, values)
        return PageResponse.html(html ?? "").failing(with: failure)
    }
}

/// There is no good session: the browser is sent to sign in, and comes back then.
struct SignedOut: Error {
    /// Where to come back to; nil when the request was no GET.
    let next: String?

    init(_ request: PageRequest) {
        let path = "/" + request.path.map(PercentEncoding.encode).joined(separator: "/")
        next = request.method == .get ? path + FormFields.query(request.query.fields.map { ($0.name, $0.value) }) : nil
    }
}

private struct FailureValues: Sendable {
    let heading: String
    let sentence: String
}
