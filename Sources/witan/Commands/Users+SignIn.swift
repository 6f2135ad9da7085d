import ArgumentParser
import Foundation
import WitanAccess
import WitanCore
import WitanJSON
import WitanServices
import WitanStorage

// How people sign in to the settings pages, as whoever runs the server sees it.
extension Users {
    /// `witan users sign-in-link`.
    struct SignInLink: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sign-in-link",
            abstract: "Print a link that signs a person in once, within ten minutes.",
            discussion: """
                Example: witan users sign-in-link ada@example.com --url https://witan.example.com

                It writes nothing, and works beside a running server.
                """
        )

        @OptionGroup var data: DataOptions

        @Argument(help: "The e-mail address.")
        var email: String

        @Option(help: "The server's address, as browsers know it. [WITAN_PUBLIC_URL]")
        var url: String?

        func run() async throws {
            let address =
                url ?? ProcessInfo.processInfo.environment["WITAN_PUBLIC_URL"] ?? "http://127.0.0.1:8000"
            let link = try await Installation.use(data, .reading) { installation in
                let account = try await installation.accounts.caller(email: email).identity.account
                guard !account.isServiceAccount else {
                    throw UsageError("\(email) is a service account, which signs in nowhere.")
                }
                guard !account.memberships.isEmpty else {
                    throw UsageError("\(email) is in no organization; `witan users create` puts a person into one.")
                }
                return try await installation.signIn().makeLink(for: account.userID, email: account.email)
            }
            let base = address.hasSuffix("/") ? String(address.dropLast()) : address
            try StandardOutput.write("\(base)\(link)\n")
        }
    }

    /// `witan users set-password`.
    struct SetPassword: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set-password",
            abstract: "Give a person a password, and end their sessions.",
            discussion: """
                Example: witan users set-password ada@example.com

                The password is read from standard input, one line; at a terminal it is asked for and not shown. With \
                SQLite the server must be stopped; a signed-in person sets their own on the page Account.
                """
        )

        @OptionGroup var data: DataOptions

        @Argument(help: "The e-mail address.")
        var email: String

        func run() async throws {
            let password = try Self.read()
            try await Installation.use(data, .existing) { installation in
                let caller = try await installation.accounts.caller(email: email)
                try await installation.signIn().setPassword(password, current: nil, for: caller)
            }
            try StandardOutput.write("\(email) has a new password.\n")
        }

        private static func read() throws -> String {
            if isatty(STDIN_FILENO) == 1 {
                guard let text = getpass("New password: ") else { throw UsageError("No password was given.") }
                let password = String(cString: text)
                guard let again = getpass("Once more: "), String(cString: again) == password else {
                    throw UsageError("The two passwords are not the same; nothing was changed.")
                }
                return password
            }
            guard let line = readLine(strippingNewline: true) else {
                throw UsageError("No password came from standard input; write it there, on one line.")
            }
            return line
        }
    }

    /// `witan users sessions`.
    struct Sessions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a person's sessions in browsers, or end them.",
            discussion: """
                Example: witan users sessions ada@example.com --end-all

                Ending works on the data of a stopped server, or beside running ones on PostgreSQL.
                """
        )

        @OptionGroup var data: DataOptions

        @Argument(help: "The e-mail address.")
        var email: String

        @Option(help: "End the session of this id.")
        var end: String?

        @Flag(help: "End all of the person's sessions.")
        var endAll = false

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            guard end == nil || !endAll else { throw UsageError("Give --end or --end-all, not both.") }
            if let end {
                guard let id = ObjectID(end) else {
                    throw UsageError("“\(end)” is not a session's id, which is a UUID.")
                }
                try await finish(.one(id))
                try StandardOutput.write("The session \(id) has ended.\n")
            } else if endAll {
                try await finish(.allBut(nil))
                try StandardOutput.write("All sessions of \(email) have ended.\n")
            } else {
                let sessions = try await Installation.use(data, .reading) { installation in
                    let account = try await installation.accounts.caller(email: email).identity.account
                    return try await installation.signIn().sessions(of: account.userID)
                }
                Listing(sessions.map(\.json))
                    .show(
                        columns: [
                            "id", "method", "client_address", "user_agent", "created", "last_used_at", "expires_at",
                        ],
                        asJSON: json
                    )
            }
        }

        private func finish(_ which: SignInService.Which) async throws {
            try await Installation.use(data, .existing) { installation in
                let caller = try await installation.accounts.caller(email: email)
                try await installation.signIn().end(which, for: caller)
            }
        }
    }
}

extension SessionStore.Session {
    fileprivate var json: JSONObject {
        [
            "id": .string(id.description), "method": .string(method.rawValue),
            "client_address": clientAddress.map(JSONValue.string) ?? .null,
            "user_agent": userAgent.map(JSONValue.string) ?? .null, "created": .string(created.rfc3339),
            "last_used_at": lastUsedAt.map { .string($0.rfc3339) } ?? .null,
            "expires_at": .string(expiresAt.rfc3339),
        ]
    }
}
