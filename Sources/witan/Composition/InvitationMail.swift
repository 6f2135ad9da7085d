import WitanCore
import WitanMail
import WitanServices

/// The mail that tells people of an invitation.
struct InvitationMail: Sendable {
    let transport: SMTPTransport

    /// The address that people know the server by; nil when nobody has said it.
    let url: String?

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

    /// The mail of an invitation.
    func message(_ invitation: Invitation) throws(Failure) -> MailMessage {
        let place = url.map { "the Braintrust server at \($0)" } ?? "a Braintrust server"
        let signIn = url.map { "Sign in at \($0)/app" } ?? "Ask them for the server's address, and sign in there"
        return MailMessage(
            to: try MailAddress(invitation.email),
            subject: "\(invitation.inviter) invited you to \(invitation.organization)",
            text: """
                \(invitation.inviter) has added you to the organization \(invitation.organization) on \(place).

                You are a member already. \(signIn), as \(invitation.email). If you have no password there yet, ask \
                whoever runs the server for a link that signs you in.

                If you did not expect this, you need not do anything.

                """
        )
    }
}
