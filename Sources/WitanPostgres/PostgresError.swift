/// Why a statement or a connection failed: a condition's code and no text of the server's, which may hold values.
struct PostgresError: Error, CustomStringConvertible {
    /// The five characters of a condition (https://www.postgresql.org/docs/15/errcodes-appendix.html), or one of
    /// `OwnState`.
    let state: String

    /// The constraint that was broken, if one was.
    var constraint: String?

    /// Whether it took too long, so that another try would take as long again.
    var isLate = false

    /// Whether the server had said before that the transaction is committed.
    var isAfterCommit = false

    /// Whether its transaction had not begun, so that nothing was done, nor anything asked.
    var precedesTransaction = false

    /// What was said of a connection that could not be made; it names hosts and users, and never a password.
    var connectionMessage: String?

    /// The connection is gone: the condition `connection_failure`.
    static let connectionLost = PostgresError(state: "08006")

    /// The server said nothing for too long.
    static let silence = PostgresError(state: "08006", isLate: true)

    var description: String {
        "SQLSTATE \(state)"
            + (constraint.map { ", constraint \($0)" } ?? "")
            + (connectionMessage.map { ": \($0)" } ?? "")
    }

    /// The same of what was to begin a transaction, if it was.
    func preceding(_ isOfOpening: Bool) -> PostgresError {
        var error = self
        if isOfOpening { error.precedesTransaction = true }
        return error
    }

    /// Whether the same transaction may succeed when all of it is run again.
    var isWorthAnotherTry: Bool {
        switch state {
        // A serialization failure, a deadlock, a plan from before a change of the schema.
        case "40001", "40P01", "0A000": true
        // A cancellation that was meant for a statement before.
        case "57014": !isLate
        default: endsConnection && !isLate
        }
    }

    /// Whether it tells that a commit was not done, though the connection is gone: the server was still waiting for it.
    var precedesCommit: Bool { state == "25P03" }

    /// Whether the connection cannot be used any more.
    var endsConnection: Bool {
        switch state {
        // Ended by an administrator, by a crash, while starting, with the database, or for having been idle.
        case "57P01", "57P02", "57P03", "57P04", "57P05", "25P03": true
        default: state.hasPrefix("08")
        }
    }
}

// MARK: - Connections that could not be made

/// Conditions that PostgreSQL has no code for, in a class that it leaves to others.
enum OwnState {
    /// The database's texts are of another encoding.
    static let encoding = "WT001"
    /// The server is older than what Witan's statements need.
    static let version = "WT002"
    /// The URL asks for TLS, and the server has none.
    static let noTLS = "WT003"
    /// The server's certificate is not the one that the URL asks for, or the files that the URL names are not there.
    static let certificate = "WT004"
    /// The server is a pooler that was not said to be one.
    static let pooler = "WT005"
}

extension PostgresError {
    /// What libpq says with `PQERRORS_VERBOSE`: the server's words, whatever their language, come with their code.
    init(connectionMessage text: String) {
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("LOCATION:") }
        let message = lines.joined(separator: " ")
        self.init(state: Self.state(of: message), connectionMessage: message.isEmpty ? "no answer in time" : message)
    }

    private static func state(of message: String) -> String {
        if message.contains("unsupported startup parameter") { return OwnState.pooler }
        if let match = message.firstMatch(of: #/:  ([0-9A-Z]{5}): /#) { return String(match.1) }
        // Without a code it is libpq itself who refuses, in English.
        let words = [
            ("no password supplied", "28P01"), ("does not support SSL", OwnState.noTLS),
            ("certificate", OwnState.certificate), ("hot standby", "25006"), ("is read-only", "25006"),
        ]
        return words.first { message.contains($0.0) }?.1 ?? "08001"
    }
}
