/// What a server says, in its answer to EHLO, that it can do (RFC 5321, 4.1.1.1).
struct SMTPExtensions {
    /// Whether it can begin TLS (RFC 3207).
    let hasStartTLS: Bool

    /// Whether it wants to know the size of a message beforehand (RFC 1870).
    let hasSize: Bool

    /// The ways to authenticate, in capitals (RFC 4954).
    let authentication: Set<String>

    /// What a server can do that has not been asked.
    static let none = SMTPExtensions(SMTPReply(code: 250, lines: []))

    /// Reads the lines after the first, which names the server.
    init(_ reply: SMTPReply) {
        let keywords = reply.lines.dropFirst().map { $0.uppercased().split(separator: " ").map(String.init) }
        hasStartTLS = keywords.contains { $0.first == "STARTTLS" }
        hasSize = keywords.contains { $0.first == "SIZE" }
        authentication = Set(keywords.filter { $0.first == "AUTH" }.flatMap { $0.dropFirst() })
    }
}
