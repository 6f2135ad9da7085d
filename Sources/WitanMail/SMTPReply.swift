/// What a server answered to a command (RFC 5321, 4.2).
struct SMTPReply: Sendable, Hashable {
    /// Three digits, of which the first says what came of the command.
    let code: Int

    /// The text of each line after the code, as the server wrote it.
    let lines: [String]

    /// Whether what was asked is done.
    var isCompletion: Bool { code / 100 == 2 }

    /// Whether the server waits for the rest.
    var isIntermediate: Bool { code / 100 == 3 }

    /// Whether the server is about to close the connection (RFC 5321, 3.8).
    var isClosing: Bool { code == 421 }
}
