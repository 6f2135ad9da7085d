import WitanCore

/// A message to one person, in plain text.
///
/// Subject, text and names may be any text: nothing in them becomes a header or a command.
package struct MailMessage: Sendable, Hashable {
    /// Whom it is to.
    package let to: MailAddress

    /// What it is about; blanks, line breaks and control characters count as one blank.
    package let subject: String

    /// The text; its lines may end in any way.
    package let text: String

    /// Makes a message.
    package init(to: MailAddress, subject: String, text: String) {
        self.to = to
        self.subject = subject
        self.text = text
    }
}

extension MailMessage {
    /// The message as it is sent (RFC 5322, with MIME after RFC 2045), in ASCII: each line ends in CRLF, and none is
    /// longer than 998 bytes.
    func rendered(from sender: MailAddress, at date: Timestamp, random: inout RandomSource) -> [UInt8] {
        let headers = [
            HeaderField("Date", words: date.rfc5322.split(separator: " ").map(String.init)),
            HeaderField("From", address: sender),
            HeaderField("To", address: to),
            HeaderField("Message-ID", words: ["<\(random.bytes(16).hex)@\(sender.domain)>"]),
            HeaderField("Subject", text: subject),
            // Nobody's absence note should come back (RFC 3834, 5).
            HeaderField("Auto-Submitted", words: ["auto-generated"]),
            HeaderField("MIME-Version", words: ["1.0"]),
            HeaderField("Content-Type", words: ["text/plain;", "charset=utf-8"]),
            HeaderField("Content-Transfer-Encoding", words: ["quoted-printable"]),
        ]
        return headers.flatMap { $0.line.utf8 } + Array("\r\n".utf8) + QuotedPrintable.encode(text)
    }
}
