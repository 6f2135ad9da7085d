/// Until when the transactions of one request may wait for their connections, all of them together.
///
/// A request may need several, one after the other. If each of them waited for as long as one may, whoever asked would
/// be gone before the answer.
package enum TransactionDeadline {
    /// The moment, in nanoseconds of the monotonic clock; nil where each transaction may wait by itself.
    @TaskLocal package static var current: Int64?

    /// Runs `body` with a deadline that is so far from now.
    package static func after<Value>(
        _ duration: Duration,
        time: TimeSource,
        _ body: () async throws -> Value
    ) async rethrows -> Value {
        try await $current.withValue(time.monotonic() + duration.nanoseconds, operation: body)
    }
}
