import Synchronization

/// Until when the transactions of one request may wait for their connections, all of them together.
///
/// A request may need several, one after the other. If each of them waited for as long as one may, whoever asked would
/// be gone before the answer. What the request waits for besides is not the database's: it moves the deadline.
package enum TransactionDeadline {
    private final class Clock: Sendable {
        let deadline: Atomic<Int64>
        let time: TimeSource

        init(_ deadline: Int64, _ time: TimeSource) {
            self.deadline = Atomic(deadline)
            self.time = time
        }
    }

    @TaskLocal private static var clock: Clock?

    /// The moment, in nanoseconds of the monotonic clock; nil where each transaction may wait by itself.
    package static var current: Int64? { clock?.deadline.load(ordering: .relaxed) }

    /// Runs `body` with a deadline that is so far from now.
    package static func after<Value>(
        _ duration: Duration,
        time: TimeSource,
        _ body: () async throws -> Value
    ) async rethrows -> Value {
        let clock = Clock(time.monotonic() + duration.nanoseconds, time)
        return try await $clock.withValue(clock, operation: body)
    }

    /// Runs `body`, which waits for something else than the database: the deadline is as much later as that takes.
    package static func postponed<Value>(during body: () async throws -> Value) async rethrows -> Value {
        guard let clock else { return try await body() }
        let beginning = clock.time.monotonic()
        defer { clock.deadline.add(clock.time.monotonic() - beginning, ordering: .relaxed) }
        return try await body()
    }
}
