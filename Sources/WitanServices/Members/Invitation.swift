/// What an invited person is told.
package struct Invitation: Sendable, Hashable {
    /// The person's address.
    package let email: String

    /// The name of the organization that they are in now.
    package let organization: String

    /// The address of whoever invited them.
    package let inviter: String
}

/// Sends invitations; returns what went wrong, as a sentence, or nil.
package typealias InvitationSender = @Sendable ([Invitation]) async -> String?
