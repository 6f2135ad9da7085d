/// A caller's closure and the place where its caller waits.
package final class QueuedTransaction: Sendable {
    /// What a run of the closure came to; the caller does not know it yet.
    package struct Outcome {
        /// Whether the closure returned a value rather than throwing an error.
        package let succeeded: Bool

        /// Tells the caller; called once, or never when the caller is refused instead.
        package let deliver: () -> Void
    }

    /// Names its caller, who may go away while it waits or runs.
    package let ticket: TransactionQueue.Ticket

    /// Runs the closure; called again when the changes of a run were undone.
    package let run: @Sendable (any SQLConnection) -> Outcome

    /// Tells the caller of an error instead of an outcome.
    package let refuse: @Sendable (any Error) -> Void

    /// Takes the closure and its suspended caller.
    package init<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        ticket: TransactionQueue.Ticket,
        caller: CheckedContinuation<Value, any Error>
    ) {
        self.ticket = ticket
        run = { connection in
            do {
                let value = try body(connection)
                return Outcome(succeeded: true) { caller.resume(returning: value) }
            } catch {
                return Outcome(succeeded: false) { caller.resume(throwing: error) }
            }
        }
        refuse = { error in caller.resume(throwing: error) }
    }
}
