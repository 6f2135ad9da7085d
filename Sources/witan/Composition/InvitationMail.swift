import WitanCore
import WitanMail
import WitanServices

/// The mail that tells people of an invitation.
struct InvitationMail: Sendable {
    let transport: SMTPTransport

    /// The page that people are sent to; the server's own address.
    let url: String

    /// Sends one to each, and says what went wrong with any of them.
    ///
    /// An address that no mail can be made for counts as one that was not sent.
    func send(_ invitations: [Invitation]) async -> String? {
        var problems: [String] = []
        var messages: [MailMessage] = []
        for invitation in invitations {
            do {
                messages.append(try message(invitation))
            } catch {
                problems.append(error.message)
            }
        }
        problems += await transport.send(messages).compactMap { $0?.message }
        guard let first = problems.first else { return nil }
        let count = invitations.count
        return count == 1 ? first : "\(problems.count) of \(count) mails were not sent; the first: \(first)"
    }

    private func message(_ invitation: Invitation) throws(Failure) -> MailMessage {
        MailMessage(
            to: try MailAddress(invitation.email),
            subject: "\(invitation.inviter) invited you to \(invitation.organization)",
            text: """
                \(invitation.inviter) has added you to the organization \(invitation.organization) on the Braintrust \
                server at \(url).

                You are a member already. To sign in, use this address; whoever runs the server can also give you a \
                token for a first API key.

                If you did not expect this, you need not do anything.

                """
        )
    }
}
