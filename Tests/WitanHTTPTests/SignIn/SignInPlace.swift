import Testing
import WitanCore
import WitanServices
import WitanTesting

/// A client, the provider it signs people in with, and the browser in between.
struct SignInPlace: Sendable {
    let clock: FakeClock
    let provider: IdentityProvider
    let client: OpenIDConnectClient

    /// Has an element for each time that the keys could not be fetched.
    let failedFetches: AsyncStream<Void>

    /// What nobody but the browser, the client and the provider knows of a sign-in.
    struct Visit: Sendable {
        var query: [(name: String, value: String)]
        var pending: OpenIDConnectPending
    }

    /// Runs a client around the body, with a provider that behaves like this.
    static func run<Result: Sendable>(
        _ behaviour: IdentityProvider.Behaviour = .init(),
        secret: String? = IdentityProvider.clientSecret,
        seed: UInt64 = 1,
        _ body: (SignInPlace) async throws -> Result
    ) async throws -> Result {
        let clock = FakeClock()
        let provider = IdentityProvider(behaviour, time: clock.source)
        let (failedFetches, failure) = AsyncStream<Void>.makeStream()
        let client = try OpenIDConnectClient(
            configuration: OpenIDConnectConfiguration(
                issuer: IdentityProvider.issuer,
                clientID: IdentityProvider.clientID,
                clientSecret: secret.map { OpenIDConnectSecret($0) },
                displayName: "Example"
            ),
            time: clock.source,
            random: .seeded(seed),
            onFailure: { _ in failure.yield() },
            fetch: provider.answer
        )
        let place = SignInPlace(clock: clock, provider: provider, client: client, failedFetches: failedFetches)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            defer { group.cancelAll() }
            return try await body(place)
        }
    }

    /// Goes to the provider, where the person agrees.
    func visit() async throws -> Visit {
        let (url, pending) = try await client.begin(redirectURL: IdentityProvider.redirectURL)
        // Through the cookie, as in a browser.
        return Visit(query: try provider.authorize(url), pending: try OpenIDConnectPending(parsing: pending.text))
    }

    /// Comes back from there.
    func finish(_ visit: Visit) async throws(Failure) -> String {
        let callback = try client.callback(visit.query, to: visit.pending)
        return try await client.finish(callback, redirectURL: IdentityProvider.redirectURL)
    }

    /// The failure of a whole sign-in, which shows no secret.
    func refusal(_ change: (inout Visit) -> Void = { _ in }) async throws -> Failure {
        var visit: Visit
        do {
            visit = try await self.visit()
        } catch let failure as Failure {
            expectNoSecret(in: failure)
            return failure
        }
        change(&visit)
        return try await refusal(of: visit)
    }

    /// The failure of a sign-in's end, which shows no secret.
    func refusal(of visit: Visit) async throws -> Failure {
        do throws(Failure) {
            let email = try await finish(visit)
            Issue.record("\(email) was signed in.")
            return .bug("Nobody refused")
        } catch {
            expectNoSecret(in: error, pending: visit.pending)
            return error
        }
    }

    private func expectNoSecret(in failure: Failure, pending: OpenIDConnectPending? = nil) {
        var shown = ""
        dump(failure, to: &shown)
        shown += "\(failure) \(failure.message) \(failure.underlying.map { "\($0)" } ?? "")"
        let kept = pending.map { $0.text.split(separator: ".").dropFirst().prefix(3).map(String.init) } ?? []
        for secret in provider.secrets.union(kept) {
            #expect(secret.count < 8 || !shown.contains(secret), "A failure must not show a secret: \(shown)")
        }
    }
}
