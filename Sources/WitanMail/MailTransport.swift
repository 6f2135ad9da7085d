package import WitanCore

/// What brings messages on their way.
package protocol MailTransport: Sendable {
    /// Sends messages, in order; for each `nil` once the next server has taken charge of it, or why it was not sent.
    ///
    /// A message that one server refuses does not keep the others from being sent. Every failure is `.unavailable`.
    func send(_ messages: [MailMessage]) async -> [Failure?]
}

extension MailTransport {
    /// Sends one message; throws why it was not sent.
    package func send(_ message: MailMessage) async throws(Failure) {
        for case let failure? in await send([message]) { throw failure }
    }
}
