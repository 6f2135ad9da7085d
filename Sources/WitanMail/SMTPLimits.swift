/// The bounds of a conversation with a mail server.
package struct SMTPLimits: Sendable {
    /// How long a conversation may take from its first packet to its last message.
    package var duration: Duration = .seconds(15)

    /// The longest line of a reply, in bytes; RFC 5321, 4.5.3.1.5, grants 512.
    package var replyLineBytes = 1_000

    /// The most lines of a reply.
    package var replyLines = 100

    /// How much of a reply's text an error text repeats, in Unicode scalars.
    package var shownReplyScalars = 200

    /// The defaults.
    package init() {}
}
