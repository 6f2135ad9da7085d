import Testing
import WitanCore
import WitanResources
import WitanServices
import WitanTesting

@testable import WitanConsole
@testable import WitanStorage

/// A form of the pages as the test of forgeries sends it, with an effect that the database would show.
struct GuardedForm: Sendable, CustomTestStringConvertible {
    /// What is sent where, and the page whose token goes with it.
    struct Sending: Sendable {
        let path: String
        let fields: KeyValuePairs<String, String>
        var page = GuardedForm.account
    }

    /// Which form of the templates it is, as `ofTemplates` names it.
    let name: String

    /// Whether somebody has signed in who sends it.
    var isSignedIn = true

    /// Makes what the form is about, before anybody signs in to send it.
    let sending: @Sendable (TestServer) async throws -> Sending

    var testDescription: String { name }

    private static let account = "/app/Acme/configuration/account"
    private static let settings = "/app/Acme/configuration/org/"
    private static let password = "correct horse battery staple"

    private init(
        _ name: String,
        isSignedIn: Bool = true,
        sending: @escaping @Sendable (TestServer) async throws -> Sending
    ) {
        self.name = name
        self.isSignedIn = isSignedIn
        self.sending = sending
    }

    /// Each form and each of its buttons that does something of its own.
    static let all = signingIn + ownAccount + keys + organization + groups + roles + access

    private static let signingIn = [
        GuardedForm("sign-in /signin", isSignedIn: false) { server in
            let caller = try await server.accounts.caller(email: server.owner.email)
            try await server.signIn.setPassword(password, current: nil, for: caller)
            return Sending(
                path: "/signin",
                fields: ["email": server.owner.email, "password": password],
                page: "/signin"
            )
        },
        GuardedForm("sign-in-link /signin/link", isSignedIn: false) { server in
            let link = try await server.signIn.makeLink(for: server.owner.id, email: server.owner.email)
            let token = String(link.dropFirst("/signin/link?token=".count))
            return Sending(path: "/signin/link", fields: ["token": token], page: link)
        },
        GuardedForm("sign-out /signout") { _ in Sending(path: "/signout", fields: [:], page: "/signout") },
        GuardedForm("layout /signout") { _ in Sending(path: "/signout", fields: [:]) },
    ]

    private static let ownAccount = [
        GuardedForm("account {{address}} set_password=1") { _ in
            Sending(path: account, fields: ["set_password": "1", "new_password": password])
        },
        GuardedForm("account {{address}} end=others") { server in
            _ = try await TestBrowser.signedIn(server.owner, on: server)
            return Sending(path: account, fields: ["end": "others"])
        },
        GuardedForm("account  end={{id}}") { server in
            _ = try await TestBrowser.signedIn(server.owner, on: server)
            let other = try #require(try await server.signIn.sessions(of: server.owner.id).first)
            return Sending(path: account, fields: ["end": other.id.description])
        },
    ]

    private static let keys = [
        GuardedForm("api-keys {{addAddress}}") { _ in
            Sending(path: settings + "api-keys?add=1", fields: ["name": "forged", "expiry": "never"])
        },
        GuardedForm("api-keys {{address}}?delete=selected") { server in
            let key = try await server.makeKey("kept", as: server.owner)
            return Sending(path: settings + "api-keys?delete=selected", fields: ["selected": key.keyID.description])
        },
        GuardedForm("service-tokens {{addAddress}}") { _ in
            Sending(path: settings + "service-tokens?add=1", fields: ["account": "robot", "name": "forged"])
        },
        GuardedForm("service-tokens {{address}}?delete=selected") { server in
            let robot = try await server.serviceAccount("robot")
            return Sending(
                path: settings + "service-tokens?delete=selected",
                fields: ["selected": robot.keyID.description]
            )
        },
    ]

    private static let organization = [
        GuardedForm("general {{address}}") { _ in Sending(path: settings + "general", fields: ["name": "Forged"]) },
        GuardedForm("members {{addAddress}}") { _ in
            Sending(path: settings + "members?add=1", fields: ["emails": "forged@acme.test"])
        },
        GuardedForm("members {{address}}?edit={{id}}") { server in
            let viewers = try await server.builtIn(.viewers)
            return Sending(path: settings + "members?edit=\(server.member.id)", fields: ["group": viewers])
        },
        GuardedForm("members {{address}}?remove={{id}}") { server in
            Sending(path: settings + "members?remove=\(server.member.id)", fields: [:])
        },
        // A service account leaves by the same form.
        GuardedForm("members {{address}}?remove={{id}}") { server in
            let robot = try await server.serviceAccount("robot")
            return Sending(path: settings + "members?remove=\(robot.id)", fields: [:])
        },
    ]

    private static let groups = [
        GuardedForm("groups {{address}}?{{query}}") { _ in
            Sending(path: settings + "groups?add=1", fields: ["name": "forged"])
        },
        GuardedForm("groups {{address}}?{{query}}") { server in
            let group = try await server.group("kept")
            return Sending(path: settings + "groups?edit=\(group)", fields: ["name": "forged"])
        },
        GuardedForm("groups {{address}}?delete={{id}}") { server in
            let group = try await server.group("kept")
            return Sending(path: settings + "groups?delete=\(group)", fields: [:])
        },
        GuardedForm("groups {{address}}?members={{id}}") { server in
            let group = try await server.group("kept")
            return Sending(path: settings + "groups?members=\(group)", fields: ["email": server.member.email])
        },
        GuardedForm("groups {{address}}?members={{id}} remove_user={{id}}") { server in
            let group = try await server.group("kept", users: [server.member])
            let member = server.member.id.description
            return Sending(path: settings + "groups?members=\(group)", fields: ["remove_user": member])
        },
        GuardedForm("groups {{address}}?members={{id}} remove_group={{id}}") { server in
            let inner = try await server.group("inner")
            let group = try await server.group("kept", groups: [inner])
            return Sending(path: settings + "groups?members=\(group)", fields: ["remove_group": inner])
        },
    ]

    private static let roles = [
        GuardedForm("roles {{address}}&amp;{{query}}") { _ in
            Sending(path: settings + "groups?view=roles&add=1", fields: ["name": "forged", "permission": "read:"])
        },
        GuardedForm("roles {{address}}&amp;{{query}}") { server in
            let role = try await server.role("kept", [.read])
            return Sending(path: settings + "groups?view=roles&edit=\(role)", fields: ["name": "forged"])
        },
        GuardedForm("roles {{address}}&amp;delete={{id}}") { server in
            let role = try await server.role("kept", [.read])
            return Sending(path: settings + "groups?view=roles&delete=\(role)", fields: [:])
        },
    ]

    private static let access = [
        GuardedForm("access {{addAddress}}") { server in
            Sending(
                path: settings + "groups?view=access&add=1",
                fields: ["email": server.member.email, "what": "permission:read", "object": "org_audit_logs"]
            )
        },
        GuardedForm("access {{address}}&amp;revoke={{id}}") { server in
            let group = try await server.group("kept")
            let grant = try await server.grant(
                .permission(.read),
                on: .orgProject,
                server.acme,
                to: .group(group)
            )
            return Sending(path: settings + "groups?view=access&revoke=\(grant)", fields: [:])
        },
    ]
}

// What the templates have.
extension GuardedForm {
    /// A form that changes something, as a template has it.
    struct Written: Sendable {
        /// The template, the form's address, and the name and the value of a button that does something of its own.
        let names: [String]

        /// Whether it has the field for its token.
        let hasToken: Bool
    }

    /// Every form of every template that changes something.
    static var ofTemplates: [Written] {
        PageTemplates.sources.flatMap { name, bytes in
            String(decoding: bytes, as: UTF8.self).split(separator: "<form").dropFirst()
                .compactMap { written(name, String($0)) }
        }
    }

    private static func written(_ template: String, _ text: String) -> Written? {
        let tag = text.prefix { $0 != ">" }
        guard tag.lowercased().contains("post") else { return nil }
        let content = text.split(separator: "</form>", maxSplits: 1).first.map(String.init) ?? text
        let address = "\(template) \(attribute("action", of: tag) ?? "")"
        let names = content.split(separator: "<button").dropFirst()
            .map { button in
                let tag = button.prefix { $0 != ">" }
                return attribute("name", of: tag).map { "\(address) \($0)=\(attribute("value", of: tag) ?? "")" }
                    ?? address
            }
        let token = #"<input type="hidden" name="form_token" value="{{frame.formToken}}">"#
        return Written(names: names, hasToken: content.contains(token))
    }

    private static func attribute(_ name: String, of tag: Substring) -> String? {
        tag.split(separator: " \(name)=\"", maxSplits: 1, omittingEmptySubsequences: false).dropFirst().first
            .map { String($0.prefix { $0 != "\"" }) }
    }
}

extension TestServer {
    /// Everything that is in the database, to be compared.
    func content() async throws -> [String: [[SQLValue]]] {
        try await database.read { connection in
            var content: [String: [[SQLValue]]] = [:]
            for table in CopiedTable.all {
                content[table.name] = try table.page(after: nil, CopiedTable.PageSize(), on: connection).rows
                    .map(\.values)
            }
            return content
        }
    }
}
