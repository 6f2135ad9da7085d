import WitanCore
import WitanServices
import WitanStorage

/// One's own sessions and password.
struct AccountPage: SettingsPage {
    static let place = SettingsPlace(slug: "account", title: "Account")

    let signIn: SignInService
    let time: TimeSource

    var place: SettingsPlace { Self.place }

    func show(_ visit: Visit) async throws -> PageOutcome {
        let notice: String? =
            switch visit.told(of: place) {
            case "ended": "The session has ended."
            case "others": "All your other sessions have ended."
            case "password": "Your password is set. Your other sessions have ended."
            default: nil
            }
        return try await page(visit, notice: notice)
    }

    func change(_ visit: Visit) async throws -> PageOutcome {
        let form = visit.request.form
        do {
            let done: String
            if form.has("set_password") || form.has("new_password") {
                try await signIn.setPassword(
                    form["new_password"] ?? "",
                    current: form["current_password"],
                    for: visit.everywhere
                )
                done = "password"
            } else if form["end"] == "others" {
                try await signIn.end(.allBut(visit.caller.identity.keyID), for: visit.everywhere)
                done = "others"
            } else if let id = form["end"].flatMap({ ObjectID($0) }) {
                try await signIn.end(.one(id), for: visit.everywhere)
                done = "ended"
            } else {
                throw Failure(.invalidRequest, "The form does not say which session to end.")
            }
            return visit.seeOther(address(visit), place, telling: done)
        } catch let failure as Failure where failure.code != .bug {
            return try await page(visit, alert: failure.message).failing(with: failure)
        }
    }

    private func address(_ visit: Visit) -> String {
        SettingsPlace.account(visit.organization)
    }

    private func page(_ visit: Visit, notice: String? = nil, alert: String? = nil) async throws -> PageOutcome {
        let identity = visit.everywhere.identity
        let sessions = try await signIn.sessions(of: identity.userID)
        let hasPassword = try await signIn.hasPassword(identity.userID)
        let maySetPassword = hasPassword ? true : try await signIn.hasSignedInRecently(visit.everywhere)
        let values = Values(
            address: address(visit),
            email: identity.account.email,
            hasOthers: sessions.count > 1,
            rows: sessions.map { Row($0, isThis: $0.id == identity.keyID) },
            hasPassword: hasPassword,
            maySetPassword: maySetPassword,
            signInAddress: "/signin" + FormFields.query([("next", address(visit))])
        )
        return .page(PageContent("account", values, notice: notice, alert: alert))
    }

    private struct Values: Sendable {
        let address: String
        let email: String
        let hasOthers: Bool
        let rows: [Row]
        let hasPassword: Bool
        let maySetPassword: Bool
        let signInAddress: String
    }

    private struct Row: Sendable {
        let id: String
        let browser: String
        let address: String
        let method: String
        let created: Moment
        let expires: Moment
        let lastUsed: Moment?
        let isThis: Bool

        init(_ session: SessionStore.Session, isThis: Bool) {
            id = session.id.description
            let agent = session.userAgent ?? "Unknown"
            browser = BrowserName.name(of: agent) ?? agent.shortened(to: 120)
            address = session.clientAddress ?? "unknown"
            method =
                switch session.method {
                case .password: "by password"
                case .link: "by link"
                case .openID: "at the provider"
                }
            created = Moment(session.created)
            expires = Moment(session.expiresAt)
            lastUsed = session.lastUsedAt.map(Moment.init)
            self.isThis = isThis
        }
    }
}
