import Foundation
import Synchronization
import WitanCore
import WitanStorage

/// Shows on standard error how far a copy has come: a bar on a terminal, a line every few seconds elsewhere.
final class CopyDisplay: Sendable {
    private struct State {
        var step: InstallationCopy.Status.Step?
        var stepBegan: Int64 = 0
        var firstRows = 0
        var lastShown: Int64 = 0
        var hasBar = false
        var latest: InstallationCopy.Status?
    }

    private let state: Mutex<State>
    private let isTerminal: Bool
    private let time: TimeSource
    private let write: @Sendable (String) -> Void

    /// Between two pictures on a terminal, and between two lines elsewhere, in nanoseconds.
    private static let barInterval: Int64 = 100_000_000
    private static let lineInterval: Int64 = 5_000_000_000

    /// Begins now, with the rows that an earlier try has copied.
    init(
        copied: Int,
        time: TimeSource,
        isTerminal: Bool = isatty(STDERR_FILENO) == 1,
        write: @escaping @Sendable (String) -> Void = { writeToStandardError($0) }
    ) {
        self.isTerminal = isTerminal
        self.write = write
        self.time = time
        let now = time.monotonic()
        // A short copy is over before its first line.
        let shown = isTerminal ? 0 : now
        state = Mutex(State(step: .copying, stepBegan: now, firstRows: copied, lastShown: shown))
    }

    /// Takes note of a status, and shows it when it is time to.
    func show(_ status: InstallationCopy.Status) {
        let now = time.monotonic()
        let text: String? = state.withLock { state in
            if state.step != status.step {
                state.step = status.step
                state.stepBegan = now
                state.firstRows = 0
            }
            state.latest = status
            let isDue = now - state.lastShown >= (isTerminal ? Self.barInterval : Self.lineInterval)
            guard isDue || (isTerminal && status.rows == status.total) else { return nil }
            state.lastShown = now
            state.hasBar = isTerminal
            let seconds = Double(now - state.stepBegan) / 1e9
            let speed = seconds > 0 ? Double(status.rows - state.firstRows) / seconds : 0
            return isTerminal
                ? "\r\(Self.bar(status, speed: speed))\u{1B}[K" : Self.line(status, speed: speed) + "\n"
        }
        if let text { write(text) }
    }

    /// Ends the bar's line, so that what follows stands below it.
    func end() {
        if state.withLock({ state in
            defer { state.hasBar = false }
            return state.hasBar
        }) {
            write("\n")
        }
    }

    /// Says that the copy was interrupted, where it is, and how to go on.
    func tellInterruption() {
        end()
        let place = state.withLock(\.latest).map { Self.line($0, speed: nil) } ?? "Nothing was copied in this run"
        write("\(place). Interrupted; the same command goes on from there.\n")
    }

    private static let barWidth = 24

    static func bar(_ status: InstallationCopy.Status, speed: Double) -> String {
        let share = status.total > 0 ? min(Double(status.rows) / Double(status.total), 1) : 1
        let filled = Int(share * Double(barWidth))
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: barWidth - filled)
        let verb = status.step == .copying ? "Copying" : "Checking"
        let seconds = speed > 0 ? Int((Double(max(status.total - status.rows, 0)) / speed).rounded(.up)) : 0
        return "\(verb) [\(bar)] \(Int(share * 100)) % of \(status.total) rows, \(seconds) s left, \(status.table)"
    }

    static func line(_ status: InstallationCopy.Status, speed: Double?) -> String {
        let verb = status.step == .copying ? "Copied" : "Checked"
        let pace = speed.map { ", \(Int($0)) a second" } ?? ""
        return "\(verb) \(status.rows) of \(status.total) rows (\(status.table))\(pace)"
    }

    private static func writeToStandardError(_ text: String) {
        // Without a standard error there is nobody to show anything; the copy goes on.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
