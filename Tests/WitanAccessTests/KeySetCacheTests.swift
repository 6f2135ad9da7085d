import Synchronization
import Testing
import WitanAccess
import WitanCore
import WitanJSON

/// A JWKS server that answers when the test says so.
private final class StubbedFetch: Sendable {
    private struct Refusal: Error {}

    private let counter = Mutex(0)
    private let reported = Mutex(0)
    private let answers: AsyncStream<[UInt8]?>
    private let answer: AsyncStream<[UInt8]?>.Continuation
    private let beginnings: AsyncStream<Void>
    private let beginning: AsyncStream<Void>.Continuation

    init() {
        (answers, answer) = AsyncStream.makeStream()
        (beginnings, beginning) = AsyncStream.makeStream()
    }

    /// How often it was called.
    var count: Int { counter.withLock { $0 } }

    /// How many failures the cache told of.
    var failures: Int { reported.withLock { $0 } }

    /// Answers the call that waits, or the next one; without a document, with a failure.
    func answer(with document: [UInt8]?) { answer.yield(document) }

    /// Waits for one more call.
    func waitForCall() async {
        for await _ in beginnings { return }
    }

    func makeCache(_ clock: TokenTestClock) -> KeySetCache {
        KeySetCache(
            time: clock.source,
            onFailure: { _ in self.reported.withLock { $0 += 1 } },
            fetch: call
        )
    }

    private func call() async throws -> [UInt8] {
        counter.withLock { $0 += 1 }
        beginning.yield()
        for await document in answers {
            guard let document else { throw Refusal() }
            return document
        }
        throw CancellationError()
    }
}

@Suite("Key sets from a URL", .timeLimit(.minutes(1)))
struct KeySetCacheTests {
    private let keys: TokenTestKeys
    private let clock = TokenTestClock()
    private let fetch = StubbedFetch()
    private let cache: KeySetCache
    private let old: [UInt8]
    private let new: [UInt8]

    init() throws {
        keys = try TokenTestKeys.make()
        cache = fetch.makeCache(clock)
        old = jwks(try keys.ed25519.jwk(id: "old"))
        new = jwks(try keys.otherEd25519.jwk(id: "new"))
    }

    /// Runs the cache around the test.
    private func running(_ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await cache.run() }
            defer { group.cancelAll() }
            try await body()
        }
    }

    /// Runs the cache with the old document loaded.
    private func loaded(_ body: () async throws -> Void) async throws {
        try await running {
            fetch.answer(with: old)
            await fetch.waitForCall()
            #expect(try await cache.keySet(for: "old").contains(id: "old"))
            try await body()
        }
    }

    /// How the cache fails to give keys for the kid; `nil` when it gives some.
    private func code(of id: String) async -> Failure.Code? {
        do throws(Failure) {
            _ = try await cache.keySet(for: id)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("fifty requests with an unknown kid share one fetch, and further ones wait for the interval")
    func oneFetch() async throws {
        try await loaded {
            clock.advance(by: .seconds(30))
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<50 {
                    group.addTask { try await cache.keySet(for: "new").contains(id: "new") }
                }
                await fetch.waitForCall()
                fetch.answer(with: new)
                for try await found in group {
                    #expect(found)
                }
            }
            #expect(fetch.count == 2)
            clock.advance(by: .seconds(29))
            for number in 0..<50 {
                #expect(try await cache.keySet(for: "unknown-\(number)").contains(id: "new"))
            }
            #expect(fetch.count == 2)
            clock.advance(by: .seconds(1))
            fetch.answer(with: new)
            #expect(try await !cache.keySet(for: "unknown").contains(id: "unknown"))
            #expect(fetch.count == 3)
        }
    }

    @Test("a known kid, and a token without one, cause no fetch")
    func warm() async throws {
        try await loaded {
            clock.advance(by: .seconds(3_599))
            let known = try await cache.keySet(for: "old")
            let nameless = try await cache.keySet(for: nil)
            #expect(known.contains(id: "old"))
            #expect(nameless.contains(id: "old"))
            #expect(fetch.count == 1)
        }
    }

    @Test("a failed or malformed answer keeps the old keys, and is told of")
    func failedRefresh() async throws {
        try await loaded {
            for (number, answer) in [nil, Array("<html>".utf8), Array(#"{"keys":[]}"#.utf8)].enumerated() {
                clock.advance(by: .seconds(30))
                fetch.answer(with: answer)
                let keySet = try await cache.keySet(for: "new")
                #expect(keySet.contains(id: "old"))
                #expect(fetch.count == number + 2)
                #expect(fetch.failures == number + 1)
            }
        }
    }

    @Test("while the first document cannot be had, a token is not refused: the service is unavailable")
    func failedFirstLoad() async throws {
        try await running {
            fetch.answer(with: nil)
            let first = await #expect(throws: Failure.self) { try await cache.keySet(for: "old") }
            #expect(first?.code == .unavailable)
            #expect(first?.tokenRefusal == nil)
            clock.advance(by: .seconds(10))
            let second = await #expect(throws: Failure.self) { try await cache.keySet(for: "old") }
            #expect(second?.code == .unavailable)
            #expect(second?.retryAfter == .seconds(20))
            #expect(fetch.count == 1)
            clock.advance(by: .seconds(20))
            fetch.answer(with: old)
            let keySet = try await cache.keySet(for: "old")
            #expect(keySet.contains(id: "old"))
        }
    }

    @Test("old keys are fetched again while requests go on with them")
    func age() async throws {
        try await loaded {
            clock.advance(by: .seconds(3_600))
            // Nobody answers yet, and yet nobody waits.
            for _ in 0..<10 {
                let keySet = try await cache.keySet(for: "old")
                #expect(keySet.contains(id: "old"))
            }
            await fetch.waitForCall()
            #expect(fetch.count == 2)
            fetch.answer(with: new)
            #expect(try await cache.keySet(for: "new").contains(id: "new"))
            #expect(fetch.count == 2)
        }
    }

    @Test("after a rotation a token by the old key is refused, and one by the new key accepted")
    func rotation() async throws {
        try await loaded {
            let verifier = try TokenVerifier(
                issuers: [TrustedIssuer(name: TokenFixture.issuer, audience: TokenFixture.audience, keys: cache)],
                time: clock.source
            )
            let oldToken = try signed(["alg": "EdDSA", "kid": "old"], TokenFixture.claims, by: keys.ed25519)
            let newToken = try signed(["alg": "EdDSA", "kid": "new"], TokenFixture.claims, by: keys.otherEd25519)
            #expect(try await verifier.refusal(of: oldToken) == nil)
            clock.advance(by: .seconds(30))
            fetch.answer(with: new)
            #expect(try await verifier.refusal(of: newToken) == nil)
            #expect(try await verifier.refusal(of: oldToken) == .key)
            #expect(fetch.count == 2)
        }
    }

    @Test("a token of an unknown issuer, or one that cannot be read, causes no fetch")
    func strangers() async throws {
        try await loaded {
            let verifier = try TokenVerifier(
                issuers: [TrustedIssuer(name: "https://other.example", audience: "witan", keys: cache)],
                time: clock.source
            )
            clock.advance(by: .seconds(30))
            let stranger = try signed(["alg": "EdDSA", "kid": "new"], TokenFixture.claims, by: keys.otherEd25519)
            #expect(try await verifier.refusal(of: stranger) == .issuer)
            #expect(try await verifier.refusal(of: "e30.e30.") == .algorithm)
            #expect(fetch.count == 1)
        }
    }

    @Test("a request that is cancelled stops waiting, and the others get their keys")
    func cancellation() async throws {
        try await loaded {
            clock.advance(by: .seconds(30))
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask { try await cache.keySet(for: "new").contains(id: "new") }
                await fetch.waitForCall()
                // Nobody has answered: that this group ends shows that a cancelled request needs no answer.
                await withTaskGroup { impatient in
                    for _ in 0..<10 {
                        impatient.addTask { await code(of: "new") }
                    }
                    impatient.cancelAll()
                    for await code in impatient {
                        #expect(code == .unavailable)
                    }
                }
                fetch.answer(with: new)
                for try await found in group {
                    #expect(found)
                }
            }
            #expect(fetch.count == 2)
        }
    }

    @Test("when the cache stops, nobody goes on waiting")
    func stop() async throws {
        await withTaskGroup { services in
            services.addTask { await cache.run() }
            await fetch.waitForCall()
            await withTaskGroup { requests in
                for _ in 0..<5 {
                    requests.addTask { await code(of: "old") }
                }
                services.cancelAll()
                for await code in requests {
                    #expect(code == .unavailable)
                }
            }
        }
        #expect(fetch.failures == 0)
        #expect(await code(of: "old") == .unavailable)
        clock.advance(by: .seconds(60))
        #expect(await code(of: "old") == .unavailable)
        #expect(fetch.count == 1)
    }
}
