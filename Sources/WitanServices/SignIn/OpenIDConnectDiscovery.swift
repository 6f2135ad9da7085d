import Synchronization
import WitanCore

/// What the identity provider says of itself, fetched when somebody signs in and kept for a while.
///
/// One request fetches it, and those that come meanwhile wait for the same answer. After a failure the provider is left
/// alone for `Limits.identityProviderRetryInterval`. A request that is cancelled while it fetches leaves that to one of
/// those that wait.
final class OpenIDConnectDiscovery: Sendable {
    private let state = Mutex(State())
    private let issuer: OpenIDConnectAddress
    private let provider: OpenIDConnectProvider
    private let time: TimeSource

    init(issuer: OpenIDConnectAddress, provider: OpenIDConnectProvider, time: TimeSource) {
        self.issuer = issuer
        self.provider = provider
        self.time = time
    }

    /// The document at hand, or a new one.
    ///
    /// Fails with `.unavailable` when none can be had.
    func metadata() async throws(Failure) -> OpenIDConnectMetadata {
        while !Task.isCancelled {
            switch state.withLock({ $0.decide(now: time.monotonic(), limits: provider.limits) }) {
            case .use(let metadata): return metadata
            case .refuse(let failure): throw failure
            case .fetch: return try await fetch()
            case .wait(let end): await end.waitUntilHappened()
            }
        }
        throw provider.unreachable(CancellationError())
    }

    private func fetch() async throws(Failure) -> OpenIDConnectMetadata {
        do throws(Failure) {
            let metadata = try await read()
            state.withLock { $0.endFetch(with: .success(metadata), now: time.monotonic()) }?.happen()
            return metadata
        } catch {
            // To be cancelled says nothing about the provider.
            let outcome: Result<OpenIDConnectMetadata, Failure>? = Task.isCancelled ? nil : .failure(error)
            state.withLock { $0.endFetch(with: outcome, now: time.monotonic()) }?.happen()
            throw error
        }
    }

    private func read() async throws(Failure) -> OpenIDConnectMetadata {
        guard let address = OpenIDConnectMetadata.address(of: issuer) else { throw provider.refusal(.metadata) }
        let answer = try await provider.answer(to: .document(at: address))
        guard answer.status == 200 else { throw provider.refusal(.metadata) }
        return try OpenIDConnectMetadata(provider.object(answer.body), issuer: issuer, from: provider)
    }
}

/// What a request is to do.
private enum Step: Sendable {
    case use(OpenIDConnectMetadata)
    case refuse(Failure)
    case fetch
    case wait(OneTimeEvent)
}

/// The memory; nothing here waits.
private struct State {
    /// The end of the fetch that is under way, if one is.
    private var fetchEnd: OneTimeEvent?
    private var latest: (outcome: Result<OpenIDConnectMetadata, Failure>, at: Int64)?

    mutating func decide(now: Int64, limits: Limits) -> Step {
        switch latest {
        case (.success(let metadata), let moment)? where now - moment < limits.identityProviderMaximumAge.nanoseconds:
            return .use(metadata)
        case (.failure(let failure), let moment)?:
            let rest = limits.identityProviderRetryInterval.nanoseconds - (now - moment)
            if rest > 0 { return .refuse(failure.retrying(after: .nanoseconds(rest))) }
        default: break
        }
        if let fetchEnd { return .wait(fetchEnd) }
        fetchEnd = OneTimeEvent()
        return .fetch
    }

    /// Ends a fetch; without an outcome, the next request begins another.
    mutating func endFetch(with outcome: Result<OpenIDConnectMetadata, Failure>?, now: Int64) -> OneTimeEvent? {
        if let outcome { latest = (outcome, now) }
        defer { fetchEnd = nil }
        return fetchEnd
    }
}

extension Failure {
    fileprivate func retrying(after delay: Duration) -> Failure {
        Failure(code, message, retryAfter: delay, underlying: underlying)
    }
}
