import Logging
import Synchronization
import WitanCore
import WitanServices

/// Logs failures for whoever runs the server: each bug, and of what else is theirs to mend one a second with the number
/// of others.
///
/// While a database is away, every request fails for the one reason; each has its own line as a request besides.
final class FailureLog: Sendable {
    private struct Recent {
        var loggedAt: Int64
        var others = 0
    }

    private let recent = Mutex<[String: Recent]>([:])
    private let logger: Logger
    private let time: TimeSource

    /// How long a sentence is not repeated, in nanoseconds.
    private static let interval: Int64 = 1_000_000_000

    /// More sentences than there are; a text that is made of something else must not fill the memory.
    private static let sentences = 100

    init(logger: Logger, time: TimeSource) {
        self.logger = logger
        self.time = time
    }

    /// Logs a failure if it is the server's, that of what it rests on, or a sign-in that failed at the identity provider.
    func note(_ failure: Failure, traceID: String) {
        let refusal = failure.signInRefusal
        guard failure.code == .bug || (failure.code == .unavailable && failure.underlying != nil) || refusal != nil
        else { return }
        // The provider's own words are in the sentence, and come with a browser: they may be others each time.
        let kind = refusal.map { "\($0)" } ?? failure.explanation
        guard let others = failure.code == .bug ? 0 : admit(kind) else { return }
        var metadata: Logger.Metadata = ["trace_id": "\(traceID)"]
        if others > 0 { metadata["others"] = "\(others)" }
        logger.log(
            level: refusal != nil ? .warning : .error,
            "\(failure.explanation)",
            error: failure.underlying,
            metadata: metadata
        )
    }

    /// How often a sentence was left out since it was logged; nil when it is left out again.
    private func admit(_ sentence: String) -> Int? {
        let now = time.monotonic()
        return recent.withLock { recent in
            if let last = recent[sentence], now - last.loggedAt < Self.interval {
                recent[sentence]?.others += 1
                return nil
            }
            if recent.count >= Self.sentences { recent = [:] }
            return recent.updateValue(Recent(loggedAt: now), forKey: sentence)?.others ?? 0
        }
    }
}
