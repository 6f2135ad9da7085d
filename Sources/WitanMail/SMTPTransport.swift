import NIOCore
import NIOSSL
package import WitanCore

/// Sends messages through a mail server that passes them on (RFC 5321, RFC 6409).
///
/// Each call is one connection, which ends with the call. The failures say what the server answered, bounded and
/// without control characters, and hold no credential.
package struct SMTPTransport: Sendable {
    private let server: SMTPServer
    private let sender: MailAddress
    private let clientName: String
    private let tls: NIOSSLContext?
    private let limits: SMTPLimits
    private let time: TimeSource
    private let random: RandomSource

    /// Makes a transport.
    ///
    /// - Parameters:
    ///   - server: The mail server.
    ///   - sender: Whom messages are from.
    ///   - clientName: The name or address of this machine, for EHLO.
    ///   - trustRoots: A PEM file of the authorities that are trusted instead of the system's.
    ///   - limits: The bounds of a conversation.
    ///   - time: For the date of a message.
    ///   - random: For the identifier of a message.
    /// - Throws: `.invalidRequest` when the client's name is none, or when the trusted certificates can't be read.
    package init(
        server: SMTPServer,
        sender: MailAddress,
        clientName: String,
        trustRoots: String? = nil,
        limits: SMTPLimits = SMTPLimits(),
        time: TimeSource = .system,
        random: RandomSource = .system
    ) throws(Failure) {
        switch HostName.address(clientName) {
        case nil:
            guard HostName.isValid(clientName) else {
                throw Failure(.invalidRequest, "The mail client needs a host name or an address of its own.")
            }
            self.clientName = clientName
        case .v6?: self.clientName = "[IPv6:\(clientName)]"
        default: self.clientName = "[\(clientName)]"
        }
        self.server = server
        self.sender = sender
        tls = server.security == .none ? nil : try Self.tlsContext(trustRoots)
        self.limits = limits
        self.time = time
        self.random = random
    }

    /// Sends messages in order over one connection, which all share the limit on time; for each `nil` once the next
    /// server has taken charge of it, or why it was not sent.
    ///
    /// A message that one server refuses does not keep the others from being sent. Every failure is `.unavailable`.
    /// What the time was too short for has failed. When the task is cancelled, the connection is closed at once, and
    /// the messages not yet sent have failed.
    package func send(_ messages: [MailMessage]) async -> [Failure?] {
        guard !messages.isEmpty else { return [] }
        let connection = SMTPConnection(to: server, tls: tls, limits: limits)
        return await withTaskCancellationHandler {
            let outcomes = await converse(messages, on: connection)
            connection.end(server.failure("is not connected any longer"))
            return outcomes
        } onCancel: {
            connection.end(server.failure("was left, because the task was cancelled"))
        }
    }

    private func converse(_ messages: [MailMessage], on connection: SMTPConnection) async -> [Failure?] {
        var session = SMTPSession(connection, with: server, clientName: clientName, limits: limits)
        var random = random
        var outcomes: [Failure?] = []
        do throws(Failure) {
            try await session.open()
            for message in messages {
                if case .some(.some) = outcomes.last { try await session.reset() }
                let bytes = message.rendered(from: sender, at: time.now(), random: &random)
                outcomes.append(try await session.deliver(bytes, from: sender, to: message.to))
            }
        } catch {
            outcomes += Array(repeating: error, count: messages.count - outcomes.count)
        }
        await session.quit()
        return outcomes
    }

    private static func tlsContext(_ trustRoots: String?) throws(Failure) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        // The conversation is over, and a server that doesn't close its end must not keep the connection.
        configuration.shutdownTimeout = .seconds(1)
        if let trustRoots { configuration.trustRoots = .file(trustRoots) }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Failure(
                .invalidRequest,
                "The authorities that mail servers' certificates must come from cannot be read; name a PEM file.",
                underlying: error
            )
        }
    }
}
