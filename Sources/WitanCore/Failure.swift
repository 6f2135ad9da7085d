/// The one error type that crosses module boundaries.
///
/// `message` and `issues` may be shown to anybody; `explanation` is for whoever runs the server, and `underlying` for the
/// log alone. None of them ever holds a credential, a digest, a header or a body.
package struct Failure: Error, Sendable {
    /// What went wrong, one HTTP status each (design: key service, section 2).
    package enum Code: String, Sendable, CaseIterable {
        case invalidRequest
        case unauthenticated
        case forbidden
        case notFound
        case methodNotAllowed
        case timedOut
        case conflict
        case tooLarge
        case rateLimited
        case unavailable
        case bug
    }

    /// One member, query parameter or path component at fault.
    package struct Issue: Sendable, Hashable {
        /// Where it is, outermost name first: `["name"]`.
        package let path: [String]

        /// What was expected there.
        package let message: String

        /// Names a place and what was expected there.
        package init(path: [String], message: String) {
            self.path = path
            self.message = message
        }
    }

    /// What went wrong.
    package let code: Code

    /// A sentence that says what to do, safe to show.
    package let message: String

    /// The sentence for whoever runs the server, in the log and on the command line: with places and settings that are
    /// nobody else's business, where there are any.
    package let explanation: String

    /// The inputs at fault; empty when none is.
    package let issues: [Issue]

    /// How long to wait before the next try; only with `.rateLimited` and `.unavailable`.
    package let retryAfter: Duration?

    /// The cause, for the log.
    package let underlying: (any Error)?

    /// Makes a failure; without an explanation the message is one.
    package init(
        _ code: Code,
        _ message: String,
        explanation: String? = nil,
        issues: [Issue] = [],
        retryAfter: Duration? = nil,
        underlying: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.explanation = explanation ?? message
        self.issues = issues
        self.retryAfter = retryAfter
        self.underlying = underlying
    }

    /// A malformed request: the sentences of its issues, one after another, each after its place.
    package init(invalid issues: [Issue]) {
        let sentences = issues.map { "\($0.path.joined(separator: ".")) \($0.message)" }
        self.init(.invalidRequest, sentences.joined(separator: "; ") + ".", issues: issues)
    }

    /// A broken invariant: the caller sees a fixed sentence, the log sees `cause`.
    package static func bug(_ cause: String, underlying: (any Error)? = nil) -> Failure {
        Failure(.bug, cause, underlying: underlying)
    }
}

extension Failure: CustomStringConvertible {
    /// The code and the explanation, for logs, without the underlying error, whose text might hold values.
    package var description: String { "\(code.rawValue): \(explanation)" }
}

extension Failure {
    /// What an error is, wherever it comes from: a failure as it is, and a bug if nobody has made a sentence of it.
    package init(of error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case is CancellationError:
            self.init(.unavailable, "The server is stopping; try again.", retryAfter: .seconds(1))
        default: self = .bug("A request failed with an error that nobody turned into a sentence.", underlying: error)
        }
    }
}
