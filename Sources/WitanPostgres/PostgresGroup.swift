import WitanCore
import WitanStorage

/// Runs transactions that wait at the same time inside one of PostgreSQL's, so that they share a commit or a snapshot.
///
/// A member that fails before it has changed anything harms nobody. After another failure everything is undone, the
/// members before it run again together, and then the one that failed by itself: savepoints would cost every member two
/// messages to spare a rare one that.
///
/// Readers are answered at once, writers after the commit: nobody hears of anything that may yet be undone.
struct PostgresGroup {
    /// The number of transactions so far.
    private(set) var count = 0

    private let kind: PostgresLane.Kind
    private let opening: PostgresOpening
    private let session: PostgresSession

    /// Whether its members have been undone once.
    private let isSecond: Bool

    /// The transaction that is open.
    private var connection: PostgresConnection?

    /// Writers that ran in it and wait for its commit.
    private var members: [(transaction: QueuedTransaction, outcome: QueuedTransaction.Outcome)] = []

    /// Why no transaction can be begun, which is waited for once and not for each member again.
    private var refusal: Failure?

    /// Whether no transaction can be begun: whoever waits by now is refused, and nobody who comes later.
    var isRefused: Bool { refusal != nil }

    /// How often a transaction is run when the server undoes it for the sake of others.
    private static let tries = 4

    /// Begins an empty group.
    init(_ kind: PostgresLane.Kind, opening: PostgresOpening, _ session: PostgresSession, isSecond: Bool = false) {
        self.kind = kind
        self.opening = opening
        self.session = session
        self.isSecond = isSecond
    }

    /// Runs one more transaction.
    mutating func add(_ transaction: QueuedTransaction) {
        count += 1
        if let refusal {
            transaction.refuse(refusal)
            return
        }
        switch run(transaction) {
        case .refused(let failure):
            refusal = failure
            transaction.refuse(failure)
        case .withdrawn:
            transaction.refuse(CancellationError())
        case .ran(let outcome) where !kind.isWrite:
            outcome.deliver()
        case .ran(let outcome):
            members.append((transaction, outcome))
        case .interrupted:
            startOver()
            transaction.refuse(CancellationError())
        case .failed(let outcome, let error) where members.isEmpty && !mayHelp(error, 1):
            rollBack()
            tell(transaction, outcome, error)
        case .failed(let outcome, let error):
            startOver()
            if error?.isLate ?? false {
                tell(transaction, outcome, error)
            } else {
                // What it failed of may be what another member did, of which nobody knows whether it will be there.
                runAlone(transaction, from: mayHelp(error, 1) ? 2 : 1)
            }
        }
    }

    /// Commits, and tells the callers.
    mutating func end() {
        guard let connection else {
            // Whoever is left asked for nothing.
            for member in members { member.outcome.deliver() }
            members = []
            return
        }
        if !kind.isWrite || members.allSatisfy({ !$0.outcome.succeeded }) {
            // There is nothing to commit.
            rollBack()
            for member in members { member.outcome.deliver() }
            members = []
            return
        }
        switch commit(connection) {
        case nil:
            for member in members { member.outcome.deliver() }
            members = []
        case .undone where members.count > 1:
            startOver()
        case .undone(let failure)?:
            let error = failure.underlying as? PostgresError
            let alone = members.map(\.transaction)
            members = []
            for transaction in alone {
                if mayHelp(error, 1) { runAlone(transaction, from: 2) } else { transaction.refuse(failure) }
            }
        case .unknown(let failure)?:
            for member in members { member.transaction.refuse(failure) }
            members = []
        }
    }

    /// Undoes everything and runs the members again: together, and the second time each by itself.
    private mutating func startOver() {
        let undone = members.map(\.transaction)
        members = []
        rollBack()
        if isSecond || undone.count == 1 {
            for transaction in undone { runAlone(transaction, from: 1) }
        } else if !undone.isEmpty {
            var second = PostgresGroup(kind, opening: opening, session, isSecond: true)
            for transaction in undone { second.add(transaction) }
            second.end()
        }
    }

    // MARK: One transaction

    /// What came of a closure.
    private enum Result {
        /// It ran, and nothing must be undone but by whoever knows better.
        case ran(QueuedTransaction.Outcome)
        /// What it did must be undone.
        case failed(QueuedTransaction.Outcome, PostgresError?)
        /// The same, and its caller has gone away.
        case interrupted
        /// Its caller has gone away, and there is nothing to be undone.
        case withdrawn
        /// It did not run, because no transaction could be begun.
        case refused(Failure)
    }

    /// Runs a closure in the transaction that is open, which is begun first when there is none.
    private mutating func run(_ transaction: QueuedTransaction) -> Result {
        let first = runOnce(transaction)
        guard let error = refusal(in: first) else { return first }
        let isBroken = connection?.link.isBroken ?? false
        rollBack()
        // A connection that the server ended just now is no reason to refuse anybody.
        guard isBroken || error.isWorthAnotherTry else { return .refused(.postgres(error)) }
        let second = runOnce(transaction)
        guard let error = refusal(in: second) else { return second }
        rollBack()
        return .refused(.postgres(error))
    }

    /// Why a transaction could not be begun, if that is what came of a closure.
    private func refusal(in result: Result) -> PostgresError? {
        if case .failed(_, let error?) = result, error.precedesTransaction { error } else { nil }
    }

    private mutating func runOnce(_ transaction: QueuedTransaction) -> Result {
        if session.isWithdrawn(transaction.ticket) { return .withdrawn }
        let connection: PostgresConnection
        do throws(Failure) {
            connection = try begin()
        } catch {
            return .refused(error)
        }
        let changes = connection.changingStatements
        let pending = connection.pendingChanges
        var ran: QueuedTransaction.Outcome?
        let run = session.interruptibly(transaction.ticket, on: connection.link) { ran = transaction.run(connection) }
        guard let outcome = ran else { return .withdrawn }
        connection.noteWhetherBroken()
        let changedNothing = connection.error == nil && connection.changingStatements == changes
        if !outcome.succeeded, changedNothing { connection.pendingChanges = pending }
        if case .interrupted = run, !outcome.succeeded { return changedNothing ? .withdrawn : .interrupted }
        if outcome.succeeded ? connection.error == nil : changedNothing { return .ran(outcome) }
        return .failed(outcome, connection.error)
    }

    /// Runs a transaction by itself, again when that may help, and tells its caller.
    private mutating func runAlone(_ transaction: QueuedTransaction, from first: Int) {
        for attempt in first...Self.tries {
            switch run(transaction) {
            case .refused(let failure):
                transaction.refuse(failure)
                return
            case .withdrawn, .interrupted:
                rollBack()
                transaction.refuse(CancellationError())
                return
            case .failed(let outcome, let error):
                rollBack()
                if mayHelp(error, attempt) { continue }
                tell(transaction, outcome, error)
                return
            case .ran(let outcome):
                guard kind.isWrite, outcome.succeeded, let connection else {
                    rollBack()
                    outcome.deliver()
                    return
                }
                switch commit(connection) {
                case nil: outcome.deliver()
                case .undone(let failure)? where mayHelp(failure.underlying as? PostgresError, attempt): continue
                case .undone(let failure)?, .unknown(let failure)?: transaction.refuse(failure)
                }
                return
            }
        }
    }

    /// Tells a caller that the transaction was undone.
    private func tell(_ transaction: QueuedTransaction, _ outcome: QueuedTransaction.Outcome, _ error: PostgresError?) {
        if outcome.succeeded, let error {
            // The closure went on after an error that it was told of.
            transaction.refuse(Failure.postgres(error))
        } else {
            outcome.deliver()
        }
    }

    /// Whether a transaction that failed so may succeed when it is run again, after so many times.
    private func mayHelp(_ error: PostgresError?, _ attempt: Int) -> Bool {
        guard let error, attempt < Self.tries else { return false }
        // Somebody else took a unique value meanwhile: the second time their row is found.
        if error.state == "23505", attempt == 1, case .write(.concurrent) = kind { return true }
        return error.isWorthAnotherTry
    }

    // MARK: Beginning and ending

    private mutating func begin() throws(Failure) -> PostgresConnection {
        if let connection { return connection }
        let link = try session.link()
        link.begin(opening)
        let connection = PostgresConnection(link, isReadOnly: !kind.isWrite)
        self.connection = connection
        return connection
    }

    /// How a commit failed.
    private enum Lost {
        /// Nothing of it is in the database.
        case undone(Failure)
        /// Nobody can tell, or what can be told is not enough.
        case unknown(Failure)
    }

    /// Commits; nil when everything is durable.
    private mutating func commit(_ connection: PostgresConnection) -> Lost? {
        do throws(Failure) {
            try connection.writePendingChanges()
        } catch {
            rollBack()
            return .undone(error)
        }
        // A connection that the server has ended already is one of which everything is undone; only what breaks after
        // COMMIT was sent leaves a doubt.
        connection.link.checkWhetherOpen()
        guard !connection.link.isBroken else {
            rollBack()
            return .undone(.postgres(.connectionLost))
        }
        self.connection = nil
        do {
            switch try connection.link.commit() {
            case .committed: return nil
            case .undone: return .undone(.bug("A transaction was ended before its commit"))
            case .unconfirmed:
                return .unknown(
                    Failure(
                        .unavailable,
                        "The change was saved, but no replica has it yet, as the database's settings ask: look for it.",
                        retryAfter: .seconds(1)
                    )
                )
            }
        } catch {
            guard connection.link.isBroken, !error.precedesCommit else { return .undone(.postgres(error)) }
            return .unknown(
                Failure(
                    .unavailable,
                    "The database went away while the change was saved: look whether it is there, then try again.",
                    retryAfter: .seconds(1),
                    underlying: error
                )
            )
        }
    }

    private mutating func rollBack() {
        guard let connection else { return }
        self.connection = nil
        connection.link.rollBack()
        switch connection.error?.state {
        // The plan of a statement is from before a change of the schema.
        case "0A000": do { try connection.link.forgetStatements() } catch { connection.link.abandon() }
        // What was the primary is one no more: another connection may lead to the one that is.
        case "25006" where kind.isWrite: connection.link.abandon()
        default: break
        }
    }
}
