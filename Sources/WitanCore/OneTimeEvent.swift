import Synchronization

/// Something that happens once, and those who wait for it.
package final class OneTimeEvent: Sendable {
    private struct State {
        var hasHappened = false
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastTicket = 0
    }

    private let state = Mutex(State())

    /// Makes one that has not happened.
    package init() {}

    /// Waits until it has happened or the task is cancelled, and not at all if that was before.
    package func waitUntilHappened() async {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The flag is raised before the handler runs: a cancellation is seen here, or finds the waiter there.
                let mustWait = state.withLock { state in
                    guard !Task.isCancelled, !state.hasHappened else { return false }
                    state.waiting[ticket] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume()
        }
    }

    /// Lets all go on who wait, and whoever comes later.
    package func happen() {
        let waiting = state.withLock { state in
            state.hasHappened = true
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }
}
