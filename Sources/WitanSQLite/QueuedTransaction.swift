import WitanStorage

/// A caller's closure and the place where its caller waits.
final class QueuedTransaction: Sendable {
    /// What a run of the closure came to; the caller does not know it yet.
    struct Outcome {
        /// Whether the closure returned a value rather than throwing an error.
        let succeeded: Bool

        /// Tells the caller; called once, or never when the caller is refused instead.
        let deliver: () -> Void
    }

    /// Runs the closure; called again when the changes of a run were undone.
    let run: @Sendable (SQLiteConnection) -> Outcome

    /// Tells the caller of an error instead of an outcome.
    let refuse: @Sendable (any Error) -> Void

    /// Takes the closure and its suspended caller.
    init<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        caller: CheckedContinuation<Value, any Error>
    ) {
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
