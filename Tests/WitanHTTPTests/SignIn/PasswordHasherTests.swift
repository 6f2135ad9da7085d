import Dispatch
import HTTPTypes
import Synchronization
import Testing
import WitanCore
import WitanEngines
import WitanHTTP
import WitanServices
import WitanTesting

/// Passwords wait in one queue, which is short; who may stand in it.
@Suite("Nobody takes all places in the queue of passwords")
struct PasswordHasherTests {
    private static let crowded = "Too many people are signing in"
    private static let share = "from your address or to this account"

    @Test("an address has a share, an account has one, and what has ended makes room again")
    func shares() async throws {
        var limits = Limits()
        limits.queuedPasswords = 4
        limits.queuedPasswordsOfAddress = 2
        limits.queuedPasswordsOfAccount = 1
        // Nothing is worked off until all have asked.
        let queue = DispatchQueue(label: "passwords of a test")
        let hasher = PasswordHasher(random: .seeded(1), limits: limits, queue: queue)
        @Sendable func refusal(_ address: String, _ account: String) async -> String? {
            do {
                let asker = PasswordHasher.Asker(address: address, account: account)
                #expect(try await !hasher.isRight("anything", for: nil, from: asker))
                return nil
            } catch let failure as Failure {
                #expect(failure.code == .unavailable && failure.retryAfter != nil)
                return failure.message
            } catch {
                return "\(error)"
            }
        }
        for _ in 1...2 {
            queue.suspend()
            await withTaskGroup(of: String?.self) { group in
                /// Of a number of askers all but one find a place, which they keep while the queue stands still.
                func expectOneRefusal(_ sentence: String, _ askers: [(String, String)]) async {
                    for (address, account) in askers { group.addTask { await refusal(address, account) } }
                    let first = await group.next() ?? nil
                    #expect(first?.contains(sentence) == true)
                }
                await expectOneRefusal(Self.share, [("a", "1"), ("a", "2"), ("a", "3")])
                await expectOneRefusal(Self.share, [("b", "4"), ("c", "4")])
                await expectOneRefusal(Self.crowded, [("d", "5"), ("e", "6")])
                queue.resume()
                for await rest in group { #expect(rest == nil) }
            }
        }
    }

    @Test("what a password takes is not taken from the time that its request has for the database")
    func deadline() async throws {
        // Eleven seconds pass from each look at the clock to the next.
        let seconds = Atomic(0)
        let time = TimeSource(
            now: { Timestamp(seconds: 0) },
            monotonic: { Int64(seconds.add(11, ordering: .relaxed).newValue) * 1_000_000_000 }
        )
        let hasher = PasswordHasher(random: .seeded(1))
        let asker = PasswordHasher.Asker(address: "a", account: "1")
        try await TransactionDeadline.after(.seconds(10), time: time) { () async throws in
            #expect(TransactionDeadline.current == 21_000_000_000)
            #expect(try await !hasher.isRight("anything", for: nil, from: asker))
            #expect(TransactionDeadline.current == 32_000_000_000)
        }
    }

    @Test("an address whose share is taken is told so when it signs in or sets a password, with a time to try again")
    func pages() async throws {
        var options = TestServer.Options()
        options.configuration.limits.queuedPasswordsOfAddress = 0
        try await TestServer.run(on: .chosen, options) { server async throws in
            let page = "/app/~/configuration/account"
            let password = "correct horse battery staple"
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(page)
            let set = try await browser.post(page, ["set_password": "1", "new_password": password])
            try await browser.get("/signin")
            let signIn = try await browser.post("/signin", ["email": server.owner.email, "password": password])
            for answer in [set, signIn] {
                #expect(answer.status == 503)
                #expect(answer.text.contains(Self.share))
                #expect(answer.headers[values: .retryAfter] == ["5"])
            }
        }
    }
}
