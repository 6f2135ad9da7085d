import Testing
import WitanCore
import WitanMail

@testable import WitanServices
@testable import witan

extension ProcessTests {
    @Suite("The mail to invited people")
    struct InvitationMailTests {
        private static let invitation = Invitation(
            email: "bob@example.com",
            organization: "Acme",
            inviter: "ada@example.com"
        )

        @Test(
            "It says where to sign in, when the settings say by what address people know the server",
            arguments: [
                (["WITAN_PUBLIC_URL": "https://witan.example.com"], "https://witan.example.com/app"),
                (["WITAN_HOST": "witan.example.com", "WITAN_PORT": "8080"], "http://witan.example.com:8080/app"),
                (["WITAN_HOST": "witan.example.com", "WITAN_PORT": "0"], nil), (["WITAN_HOST": "0.0.0.0"], nil),
                (["WITAN_HOST": "127.0.0.1"], nil), ([:], nil),
            ] as [([String: String], String?)]
        )
        func address(variables: [String: String], address: String?) async throws {
            let mail = ["WITAN_SMTP_URL": "smtp://mail.example.com", "WITAN_SMTP_FROM": "witan@example.com"]
            let values = try await SettingValues(
                flags: [],
                environment: variables.merging(mail) { $1 },
                file: nil
            )
            let sender = try #require(
                try ServerComposition.invitationMail(values, ServerComposition.configuration(values))
            )
            let message = try sender.message(Self.invitation)
            #expect(message.subject == "ada@example.com invited you to Acme")
            #expect(message.text.contains("as bob@example.com."))
            if let address {
                #expect(message.text.contains("Sign in at \(address), as"))
            } else {
                #expect(message.text.contains("Ask them for the server's address") && !message.text.contains("http"))
            }
        }

        @Test("Without a mail server none is sent")
        func none() async throws {
            let values = try await SettingValues(flags: [], environment: [:], file: nil)
            #expect(try ServerSettings(values).services.invite == nil)
        }
    }
}
