import Synchronization
import Testing
import WitanAccess
import WitanCore
import WitanJSON

@Suite("Tokens: verified a moment ago")
struct TokenCacheTests {
    /// Keys that count how often a full check asks for them.
    final class CountingSource: KeySource {
        private let state: Mutex<(keySet: KeySet, asked: Int)>

        init(_ keySet: KeySet) { state = Mutex((keySet, 0)) }

        var current: KeySet? { state.withLock { $0.keySet } }
        var asked: Int { state.withLock { $0.asked } }

        func replace(with keySet: KeySet) { state.withLock { $0.keySet = keySet } }

        func keySet(for id: String?) -> KeySet {
            state.withLock { state in
                state.asked += 1
                return state.keySet
            }
        }
    }

    private func make(_ fixture: TokenFixture, capacity: Int = 100) throws -> (TokenVerifier, CountingSource) {
        let source = CountingSource(try KeySet(document: fixture.document))
        let issuer = try TrustedIssuer(name: TokenFixture.issuer, audience: TokenFixture.audience, keys: source)
        var limits = Limits()
        limits.cachedCredentials = capacity
        return (try TokenVerifier(issuers: [issuer], time: fixture.clock.source, limits: limits), source)
    }

    @Test("a token is checked in full once a minute, and never kept past its end")
    func retention() async throws {
        let fixture = try TokenFixture()
        let (verifier, source) = try make(fixture)
        let token = try fixture.token(claims: { $0["exp"] = 1_700_000_090 })
        let first = try await verifier.verify(token)
        #expect(try await verifier.verify(token) == first)
        fixture.clock.advance(by: .seconds(59))
        #expect(try await verifier.refusal(of: token) == nil)
        #expect(source.asked == 1)
        fixture.clock.advance(by: .seconds(1))
        #expect(try await verifier.refusal(of: token) == nil)
        #expect(source.asked == 2)
        fixture.clock.advance(by: .seconds(29))
        #expect(try await verifier.refusal(of: token) == nil)
        #expect(source.asked == 2)
        fixture.clock.advance(by: .seconds(1))
        #expect(try await verifier.refusal(of: token) == .expired)
    }

    @Test("a token whose key is gone is refused at once")
    func keysChanged() async throws {
        let fixture = try TokenFixture()
        let (verifier, source) = try make(fixture)
        let token = try fixture.token()
        #expect(try await verifier.refusal(of: token) == nil)
        source.replace(with: try KeySet(document: jwks(fixture.keys.rsa.jwk(id: "rsa"))))
        #expect(try await verifier.refusal(of: token) == .key)
    }

    @Test("a refused token is not remembered, nor taken for one that is")
    func refusals() async throws {
        let fixture = try TokenFixture()
        let (verifier, source) = try make(fixture)
        let token = try fixture.token()
        #expect(try await verifier.refusal(of: token) == nil)
        let forged = try fixture.token(header: { $0["kid"] = "unknown" })
        #expect(try await verifier.refusal(of: forged) == .key)
        #expect(try await verifier.refusal(of: forged) == .key)
        #expect(source.asked == 3)
    }

    @Test("the number of tokens kept is bounded, and all are still accepted")
    func capacity() async throws {
        let fixture = try TokenFixture()
        let (verifier, source) = try make(fixture, capacity: 4)
        let tokens = try (0..<12).map { number in try fixture.token(claims: { $0["jti"] = .string("\(number)") }) }
        for token in tokens {
            #expect(try await verifier.refusal(of: token) == nil)
        }
        #expect(source.asked == 12)
        #expect(try await verifier.verify(tokens[11]).tokenID == "11")
        #expect(source.asked == 12)
        #expect(try await verifier.verify(tokens[0]).tokenID == "0")
        #expect(source.asked == 13)
    }
}
