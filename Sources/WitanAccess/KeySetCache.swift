import Synchronization
package import WitanCore

/// Keys from a JWKS URL, fetched when they are needed and kept in between.
///
/// A request whose token names an unknown `kid` waits for a new document, at most one every
/// `Limits.keySetRefreshInterval`; all that come meanwhile wait for the same one. Keys older than `maximumAge` are
/// fetched again while requests go on with the old ones. A failed fetch changes nothing but the time of the next.
///
/// `run` does the fetching, in a task of its own under the server's services: a request that is cancelled gives up its
/// own wait and takes no other request's document away. How long a request waits is bounded by `fetch`, which must
/// have a time limit (`Limits.keySetFetchDuration`), and by the cancellation of the request.
package final class KeySetCache: KeySource {
    private let state = Mutex(State())
    private let wishes: AsyncStream<Void>
    private let wish: AsyncStream<Void>.Continuation
    private let fetch: @Sendable () async throws -> [UInt8]
    private let onFailure: @Sendable (any Error) -> Void
    private let time: TimeSource
    private let limits: Limits
    private let policy: RefreshPolicy

    /// Takes what gets the document; nothing is fetched before `run`.
    ///
    /// `onFailure` hears why a fetch, or the reading of what it got, failed: for the log.
    package init(
        time: TimeSource,
        limits: Limits = Limits(),
        maximumAge: Duration = .seconds(3_600),
        onFailure: @escaping @Sendable (any Error) -> Void,
        fetch: @escaping @Sendable () async throws -> [UInt8]
    ) {
        // One wish is as good as many: the state says whether a fetch is due.
        (wishes, wish) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.fetch = fetch
        self.onFailure = onFailure
        self.time = time
        self.limits = limits
        policy = RefreshPolicy(interval: limits.keySetRefreshInterval, maximumAge: maximumAge)
    }

    /// Fetches the first document, then others as requests ask for them, until cancelled.
    ///
    /// To be called once. When it has returned, requests get the keys at hand, and `.unavailable` when there are none.
    package func run() async {
        state.withLock { _ = $0.beginFetch(at: time.monotonic()) }
        wish.yield()
        for await _ in wishes {
            await load()
        }
        state.withLock { $0.stop() }?.happen()
    }

    private func load() async {
        do {
            let keySet = try KeySet(document: await fetch(), limits: limits)
            state.withLock { $0.endFetch(with: keySet, at: time.monotonic()) }?.happen()
        } catch {
            state.withLock { $0.endFetch() }?.happen()
            // To be stopped is no failure.
            if !Task.isCancelled { onFailure(error) }
        }
    }

    /// The keys of the last good document.
    package var current: KeySet? { state.withLock { $0.keySet } }

    /// The keys of the last good document, after a new one when the `kid` is unknown and one is due.
    ///
    /// Fails with `.unavailable` when there are no keys to check with, which says nothing about the token.
    package func keySet(for id: String?) async throws(Failure) -> KeySet {
        let decision = state.withLock { $0.decide(for: id, now: time.monotonic(), policy: policy) }
        if decision.beginsFetch {
            wish.yield()
        }
        switch decision.step {
        case .use(let keySet):
            return keySet
        case .retry(let delay):
            throw Self.unavailable(retryAfter: delay)
        case .wait(let end):
            await TransactionDeadline.postponed { await end.waitUntilHappened() }
            // Without this, a token with a good new key would count as refused.
            if Task.isCancelled { throw Self.unavailable(retryAfter: limits.keySetRefreshInterval) }
            guard let keySet = current else { throw Self.unavailable(retryAfter: limits.keySetRefreshInterval) }
            return keySet
        }
    }

    private static func unavailable(retryAfter delay: Duration) -> Failure {
        Failure(
            .unavailable,
            "The keys that tokens are checked with could not be fetched; try again later.",
            retryAfter: delay
        )
    }
}

/// When keys are fetched again.
private struct RefreshPolicy: Sendable {
    let interval: Int64
    let maximumAge: Int64

    init(interval: Duration, maximumAge: Duration) {
        self.interval = interval.nanoseconds
        self.maximumAge = maximumAge.nanoseconds
    }
}

/// What a request is to do, and whether a fetch begins with it.
private struct Decision: Sendable {
    enum Step: Sendable {
        case use(KeySet)
        case wait(OneTimeEvent)
        case retry(after: Duration)
    }

    let step: Step
    var beginsFetch = false
}

/// The cache's memory.
///
/// Nothing here waits: each change happens under the lock as a whole.
private struct State {
    private(set) var keySet: KeySet?
    /// The end of the fetch that is under way, if one is.
    private var fetchEnd: OneTimeEvent?
    private var isStopped = false
    private var fetchedAt: Int64 = 0
    private var beganAt: Int64?

    mutating func decide(for id: String?, now: Int64, policy: RefreshPolicy) -> Decision {
        if let keySet, id.map(keySet.contains) ?? true {
            let begins = now - fetchedAt >= policy.maximumAge && fetchEnd == nil && isDue(now, policy)
            if begins {
                _ = beginFetch(at: now)
            }
            return Decision(step: .use(keySet), beginsFetch: begins)
        }
        if let fetchEnd {
            return Decision(step: .wait(fetchEnd))
        }
        if isDue(now, policy) {
            return Decision(step: .wait(beginFetch(at: now)), beginsFetch: true)
        }
        if let keySet {
            return Decision(step: .use(keySet))
        }
        // Not due, although the interval is over, means stopped: then another server must take the request.
        let elapsed = beganAt.map { now - $0 } ?? 0
        let delay = elapsed < policy.interval ? policy.interval - elapsed : policy.interval
        return Decision(step: .retry(after: .nanoseconds(delay)))
    }

    private func isDue(_ now: Int64, _ policy: RefreshPolicy) -> Bool {
        guard !isStopped else { return false }
        guard let beganAt else { return true }
        return now - beganAt >= policy.interval
    }

    /// Begins a fetch, or goes on with the one that is under way, and gives its end.
    mutating func beginFetch(at now: Int64) -> OneTimeEvent {
        beganAt = now
        let end = fetchEnd ?? OneTimeEvent()
        fetchEnd = end
        return end
    }

    /// Ends a fetch that failed.
    mutating func endFetch() -> OneTimeEvent? {
        defer { fetchEnd = nil }
        return fetchEnd
    }

    mutating func endFetch(with keySet: KeySet, at now: Int64) -> OneTimeEvent? {
        self.keySet = keySet
        fetchedAt = now
        return endFetch()
    }

    mutating func stop() -> OneTimeEvent? {
        isStopped = true
        return endFetch()
    }
}
