/// Tells that something was committed, so that whoever looks for changes may look sooner.
///
/// A hint: nothing rests on it but how soon a change is seen.
package protocol ChangeSignal: Sendable {
    /// Returns when something was committed since the last call, and after the duration at the latest.
    ///
    /// What is committed while nobody waits ends the next wait at once. It also returns when the task is cancelled. For
    /// one task at a time.
    func wait(atMost duration: Duration) async
}

/// Tells of nothing: whoever waits looks at each interval.
package struct ChangeTimer: ChangeSignal {
    /// A signal for databases that tell nobody of their commits.
    package init() {}

    /// Waits for the whole duration, or until the task is cancelled.
    package func wait(atMost duration: Duration) async {
        // A sleep fails only when it is cancelled, which ends the wait.
        try? await Task.sleep(for: duration)
    }
}
