import GRDBSQLite
import WitanCore

/// Interrupts a statement that runs too long, on the one connection that it is installed on.
///
/// SQLite asks it every few thousand steps of its virtual machine. The clock is first read then, so a short statement
/// never pays for it.
final class StatementDeadline {
    /// About a millisecond's work; the question itself takes some thirty nanoseconds.
    private static let stepsBetweenQuestions: CInt = 20_000

    private let allowed: Int64
    private let time: TimeSource
    private var end: Int64?

    /// Allows each statement that long, by the monotonic clock.
    init(_ duration: Duration, time: TimeSource) {
        allowed = duration.nanoseconds
        self.time = time
    }

    /// Starts the time of a new statement.
    func restart() {
        end = nil
    }

    /// Watches a connection while `body` uses it.
    func watching<Result>(_ connection: OpaquePointer?, _ body: () -> Result) -> Result {
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        let ask: @convention(c) (UnsafeMutableRawPointer?) -> CInt = { pointer in
            guard let pointer else { return 0 }
            return Unmanaged<StatementDeadline>.fromOpaque(pointer).takeUnretainedValue().isOver ? 1 : 0
        }
        sqlite3_progress_handler(connection, Self.stepsBetweenQuestions, ask, pointer)
        defer { sqlite3_progress_handler(connection, 0, nil, nil) }
        return withExtendedLifetime(self, body)
    }

    private var isOver: Bool {
        let now = time.monotonic()
        guard let end else {
            self.end = now + allowed
            return false
        }
        return now >= end
    }
}
