import GRDB
import WitanCore
import WitanStorage

/// Runs transactions inside one SQLite transaction, so that they share one commit and its wait for the disk.
///
/// Each is undone alone when it fails. No caller hears anything before the commit, not even of a failure, since it may
/// come from what another transaction of the group did.
struct WriteGroup {
    private let connection: SQLiteConnection
    private var members: [(transaction: QueuedTransaction, outcome: QueuedTransaction.Outcome)] = []
    private var deliveries: [() -> Void] = []
    private var holdsChanges = false
    private var refusal: Failure?

    /// The number of transactions so far.
    private(set) var count = 0

    /// Begins an empty group.
    init(on connection: SQLiteConnection) {
        self.connection = connection
    }

    /// Runs one more transaction.
    mutating func add(_ transaction: QueuedTransaction) {
        count += 1
        // Another program's lock was waited for once; the whole group does not wait again and again.
        if let refusal {
            deliveries.append { transaction.refuse(refusal) }
            return
        }
        do {
            // While nothing is held yet, the whole transaction can be rolled back, and a savepoint would be wasted.
            try connection.perform(holdsChanges ? .savepoint : .beginWrite)
        } catch {
            refusal = error
            deliveries.append { transaction.refuse(error) }
            return
        }
        let pendingChanges = connection.pendingChanges
        let outcome = transaction.run(connection)
        if !outcome.succeeded { connection.pendingChanges = pendingChanges }
        do {
            // SQLite rolls back everything by itself when, for example, the disk is full or a statement is interrupted.
            guard connection.isInsideTransaction else { throw Failure.sqlite(.SQLITE_ABORT_ROLLBACK) }
            if outcome.succeeded {
                if holdsChanges { try connection.perform(.releaseSavepoint) }
                holdsChanges = true
            } else if holdsChanges {
                try connection.perform(.rollBackToSavepoint)
                try connection.perform(.releaseSavepoint)
            } else {
                try connection.perform(.rollBack)
            }
            members.append((transaction, outcome))
        } catch {
            deliveries.append(outcome.succeeded ? { transaction.refuse(error) } : outcome.deliver)
            startOver()
        }
    }

    /// Commits, and returns what tells the callers of it.
    mutating func commit() -> [() -> Void] {
        if holdsChanges {
            do {
                try connection.commit()
            } catch {
                if error.isConstraint && members.count > 1 {
                    // One member broke a rule that is checked at the commit, and the others shall not suffer.
                    startOver()
                } else {
                    connection.rollBack()
                    connection.pendingChanges = PendingChanges()
                    deliveries += members.map { member in { member.transaction.refuse(error) } }
                    members = []
                }
            }
        }
        return deliveries + members.map(\.outcome.deliver)
    }

    /// Undoes everything and runs the members again, each with a commit of its own.
    private mutating func startOver() {
        connection.rollBack()
        connection.pendingChanges = PendingChanges()
        let undone = members
        members = []
        holdsChanges = false
        for member in undone {
            var alone = WriteGroup(on: connection)
            alone.add(member.transaction)
            deliveries += alone.commit()
        }
    }
}
