import NIOCore
import WitanCore

/// What is said on one connection (RFC 5321, 3): who and how, then one message after another.
struct SMTPSession {
    private let connection: SMTPConnection
    private let server: SMTPServer
    private let clientName: String
    private let limits: SMTPLimits
    private var extensions = SMTPExtensions.none
    private var isSecure: Bool

    init(_ connection: SMTPConnection, with server: SMTPServer, clientName: String, limits: SMTPLimits) {
        self.connection = connection
        self.server = server
        self.clientName = clientName
        self.limits = limits
        isSecure = server.security == .tls
    }

    /// Hears the greeting, begins TLS and authenticates, as the server's settings want it.
    mutating func open() async throws(Failure) {
        let greeting = try await connection.greeting()
        guard greeting.isCompletion else { throw refusal(of: "the connection", greeting) }
        try await hello()
        try await startTLS()
        try await authenticate()
    }

    /// Hands over a message; `nil`, or why it was refused when the conversation can go on.
    func deliver(_ message: [UInt8], from: MailAddress, to: MailAddress) async throws(Failure) -> Failure? {
        let size = extensions.hasSize ? " SIZE=\(message.count)" : ""
        let mail = try await ask("MAIL FROM:<\(from.address)>\(size)")
        guard mail.isCompletion else { return try refused("the sender", mail) }
        let recipient = try await ask("RCPT TO:<\(to.address)>")
        guard recipient.isCompletion else { return try refused("the recipient", recipient) }
        let data = try await ask("DATA")
        guard data.isIntermediate else { return try refused("the message", data) }
        let end = try await connection.exchange(ByteBuffer(dotStuffing: message))
        guard end.isCompletion else { return try refused("the message", end) }
        return nil
    }

    /// Begins anew after a message that was refused half way.
    func reset() async throws(Failure) {
        try await insist("RSET", matter: "to begin anew")
    }

    /// Says good-bye, when all messages are settled and nothing hangs on the answer.
    func quit() async {
        do throws(Failure) {
            _ = try await ask("QUIT")
        } catch {
            // The connection is gone already, which is what QUIT asks for.
        }
    }

    // MARK: Who and how

    private mutating func hello() async throws(Failure) {
        extensions = SMTPExtensions(try await insist("EHLO \(clientName)", matter: "EHLO"))
    }

    /// What was said before TLS counts no longer, so the server is asked again what it can do (RFC 3207, 4.2).
    private mutating func startTLS() async throws(Failure) {
        guard server.security == .startTLS else { return }
        if extensions.hasStartTLS {
            try await insist("STARTTLS", matter: "STARTTLS", startsTLS: true)
            isSecure = true
            try await hello()
        } else if !server.isLoopback {
            throw server.failure("does not offer STARTTLS; use smtps://, or ?tls=none where the network is trusted")
        }
    }

    /// The command names the mechanism alone, so that it is never longer than a command may be (RFC 4954, 4).
    private func authenticate() async throws(Failure) {
        guard let username = server.username, let password = server.password else { return }
        guard isSecure || server.isLoopback else {
            throw Failure.bug("A password was about to be sent without TLS")
        }
        let mechanism: String
        let answers: [String]
        if extensions.authentication.contains("PLAIN") {
            (mechanism, answers) = ("PLAIN", ["\0\(username)\0\(password)"])
        } else if extensions.authentication.contains("LOGIN") {
            (mechanism, answers) = ("LOGIN", [username, password])
        } else {
            throw server.failure("offers neither AUTH PLAIN nor AUTH LOGIN; leave out user name and password")
        }
        let matter = "the user name and password"
        var reply = try await ask("AUTH \(mechanism)")
        for answer in answers {
            guard reply.isIntermediate else { throw refusal(of: matter, reply) }
            reply = try await ask(Base64.encode(answer.utf8))
        }
        guard reply.isCompletion else { throw refusal(of: matter, reply) }
    }

    // MARK: Asking

    private func ask(_ command: String, startsTLS: Bool = false) async throws(Failure) -> SMTPReply {
        try await connection.exchange(ByteBuffer(string: command + "\r\n"), startsTLS: startsTLS)
    }

    @discardableResult
    private func insist(_ command: String, matter: String, startsTLS: Bool = false) async throws(Failure) -> SMTPReply {
        let reply = try await ask(command, startsTLS: startsTLS)
        guard reply.isCompletion else { throw refusal(of: matter, reply) }
        return reply
    }

    /// The failure of one message, unless the server is about to go.
    private func refused(_ matter: String, _ reply: SMTPReply) throws(Failure) -> Failure {
        let failure = refusal(of: matter, reply)
        if reply.isClosing { throw failure }
        return failure
    }

    private func refusal(of matter: String, _ reply: SMTPReply) -> Failure {
        server.refusal(of: matter, reply, limits: limits)
    }
}
