import Dispatch
import Synchronization
package import WitanCore
import WitanStorage

/// Hears when something was committed, by LISTEN on a connection of its own.
///
/// Notifications may be lost, late or doubled: a hint is all that they are.
package final class PostgresListener: ChangeSignal {
    private struct State {
        var isNotified = false
        var isClosed = false
        var lastWait = 0
        var waiting: (number: Int, continuation: CheckedContinuation<Void, Never>)?
    }

    private let queue = DispatchQueue(label: "PostgresListener")
    private let timer = DispatchQueue(label: "PostgresListener.timer")
    private let server: PostgresServer
    private let channel: String
    private let time: TimeSource
    private let state = Mutex(State())

    /// How long the thread listens before it looks whether it is to end.
    private static let turn: Duration = .milliseconds(250)

    /// Listens to a channel at once, and again whenever the connection was lost; not through a pooler in transaction mode.
    package init(_ address: PostgresAddress, channel: String, limits: Limits, time: TimeSource) {
        server = PostgresServer(address, preparesStatements: false, limits: limits, time: time)
        self.channel = channel
        self.time = time
        queue.async { self.listen(nil) }
    }

    /// Waits for a notification, at most for the duration.
    package func wait(atMost duration: Duration) async {
        let number = state.withLock { state in
            state.lastWait += 1
            return state.lastWait
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isNotified || Task.isCancelled {
                        state.isNotified = false
                        return true
                    }
                    state.waiting = (number, continuation)
                    return false
                }
                guard !isOver else { return continuation.resume() }
                timer.asyncAfter(deadline: .now() + .nanoseconds(Int(duration.nanoseconds))) { self.end(number) }
            }
        } onCancel: {
            end(number)
        }
    }

    /// Ends the connection; whoever waits goes on by the time alone.
    package func close() async {
        state.withLock { $0.isClosed = true }
        await withCheckedContinuation { continuation in queue.async { continuation.resume() } }
    }

    private func end(_ number: Int) {
        state.withLock { state in
            guard let waiting = state.waiting, waiting.number == number else {
                return nil as CheckedContinuation<Void, Never>?
            }
            state.waiting = nil
            return waiting.continuation
        }?
        .resume()
    }

    private func tell() {
        state.withLock { state in
            guard let waiting = state.waiting else {
                state.isNotified = true
                return nil as CheckedContinuation<Void, Never>?
            }
            state.waiting = nil
            return waiting.continuation
        }?
        .resume()
    }

    // MARK: The thread

    private func listen(_ current: PostgresLink?) {
        var link = current
        while !state.withLock(\.isClosed) {
            do {
                let connected = try link ?? connect()
                link = connected
                if try connected.waitForNotification(until: time.monotonic() + Self.turn.nanoseconds) { tell() }
            } catch {
                link = nil
                // The schedule refuses at once what comes too early, so something has to wait here.
                timer.asyncAfter(deadline: .now() + .milliseconds(100)) { self.queue.async { self.listen(nil) } }
                return
            }
        }
    }

    private func connect() throws -> PostgresLink {
        let link = try server.connect()
        _ = try link.execute("LISTEN \(identifier: channel)", keepsRows: false)
        // What was committed meanwhile was told to nobody.
        tell()
        return link
    }
}
