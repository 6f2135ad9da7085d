import Dispatch
import Logging
import Synchronization
package import WitanCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Where finished log lines go: a file descriptor, behind a bounded buffer.
///
/// Whoever logs only appends to the buffer; a queue of its own does the writing. A reader that is too slow, a broken
/// pipe or a full disk costs lines, which are counted and reported in the log itself, and never stops the server. The
/// executable must ignore `SIGPIPE`.
package final class LogOutput: Sendable {
    /// How the lines are written.
    package let format: LogFormat

    /// The clock of the lines.
    let time: TimeSource

    /// Hides credentials in a text.
    let redact: @Sendable (String) -> String

    private struct State {
        var pending: [UInt8] = []
        /// What the writer has taken but not yet written.
        var bytesInWriter = 0
        /// Lines lost since the log last said so.
        var unreported = 0
        var lost = 0
        /// Whether a round of writing is under way or arranged for.
        var isScheduled = false

        mutating func lose(_ lines: Int) {
            unreported += lines
            lost += lines
        }
    }

    private let capacity: Int
    private let state = Mutex(State())
    private let writer: Mutex<LogWriter>

    // Writing blocks, so it must not happen on the cooperative pool, where it would hold up requests. A serial queue
    // gets a thread from Dispatch when there is something to write and gives it back afterwards; unlike a thread of
    // our own it needs neither a condition nor an end. It orders nothing: the two locks do.
    private let queue = DispatchQueue(label: "witan.log")

    /// Makes an output on a descriptor, which stays open and belongs to the caller.
    ///
    /// - Parameters:
    ///   - format: How the lines are written.
    ///   - time: The clock of the lines.
    ///   - redact: Hides credentials in a text; called for every message and value that is logged.
    ///   - descriptor: Where the lines go.
    ///   - capacity: How many bytes may wait; lines beyond are lost.
    package init(
        format: LogFormat,
        time: TimeSource,
        redact: @escaping @Sendable (String) -> String,
        descriptor: Int32 = STDERR_FILENO,
        capacity: Int = 8 << 20
    ) {
        self.format = format
        self.time = time
        self.redact = redact
        self.capacity = capacity
        writer = Mutex(LogWriter(descriptor: descriptor))
    }

    /// How many lines could not be written since the start.
    package var lostLines: Int { state.withLock { $0.lost } }

    /// Takes one line, without its newline.
    func append(_ line: [UInt8]) {
        let mustWake = state.withLock { state in
            if state.pending.count + state.bytesInWriter + line.count < capacity {
                state.pending.append(contentsOf: line)
                state.pending.append(UInt8(ascii: "\n"))
            } else {
                state.lose(1)
            }
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if mustWake {
            queue.async { self.writeRound() }
        }
    }

    /// Writes what waits before it returns: at the end of the process and before it might die.
    ///
    /// Gives up when the descriptor takes nothing for `patience`, so that a stuck reader can't keep the process alive.
    package func flush(patience: Duration = .seconds(2)) {
        let polls = max(1, Int(patience / .milliseconds(LogWriter.pollMilliseconds)))
        // The first round may have to end a batch that was begun before; the second takes all that waits.
        for _ in 0..<2 where write(polls: polls) != .wrote { return }
    }
}

// MARK: - Writing

extension LogOutput {
    private enum Round {
        case idle
        case wrote
        case stuck
    }

    /// One round on the queue, and the next one a little later for as long as there is something to write.
    ///
    /// The pause gathers lines under load: only the first line after a quiet moment has to wake the queue.
    private func writeRound() {
        if write(polls: 1) == .idle, rest() { return }
        queue.asyncAfter(deadline: .now() + .milliseconds(5)) { self.writeRound() }
    }

    /// Leaves it to the next line to wake the queue, unless one has come meanwhile.
    private func rest() -> Bool {
        state.withLock { state in
            guard state.pending.isEmpty else { return false }
            state.isScheduled = false
            return true
        }
    }

    private func write(polls: Int) -> Round {
        // Held while writing, so that a flush and the queue take turns; nobody who logs needs this lock.
        writer.withLock { writer in
            if writer.isDone {
                guard let batch = takeBatch(afterFailure: writer.hasFailed) else { return .idle }
                writer.load(batch.bytes, reporting: batch.reported)
            }
            switch writer.write(polls: polls) {
            case .done:
                state.withLock { $0.bytesInWriter = 0 }
            case .stuck:
                return .stuck
            case .failed(let lines, let reported):
                state.withLock { state in
                    state.bytesInWriter = 0
                    state.lose(lines)
                    state.unreported += reported
                }
            }
            return .wrote
        }
    }

    /// What waits, and after it the report of what was lost; `nil` when there is nothing to do.
    private func takeBatch(afterFailure: Bool) -> (bytes: [UInt8], reported: Int)? {
        state.withLock { state in
            // After a failure the report alone is not worth a try: it would fail again, forever.
            guard !state.pending.isEmpty || (state.unreported > 0 && !afterFailure) else { return nil }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(16 << 10)
            swap(&bytes, &state.pending)
            let reported = state.unreported
            if reported > 0 {
                bytes.append(contentsOf: report(lost: reported))
                bytes.append(UInt8(ascii: "\n"))
            }
            state.bytesInWriter = bytes.count
            state.unreported = 0
            return (bytes, reported)
        }
    }

    private func report(lost: Int) -> [UInt8] {
        var line = LogLine(
            format: format,
            // Nothing here to hide, and code that is not ours must not run under the lock.
            redact: { $0 },
            time: time.now(),
            level: .warning,
            label: "witan.log",
            message: "Log lines were lost because the log's output was too slow or failed"
        )
        line.int("lost", lost)
        return line.finish()
    }
}
