import Testing
import WitanCore

@Suite("Waiting for others", .timeLimit(.minutes(1)))
struct WaitingTests {
    @Test("whoever waits for what happens once goes on when it does, when they are cancelled, or at once afterwards")
    func event() async {
        let event = OneTimeEvent()
        await withTaskGroup(of: Void.self) { group in
            for _ in 1...10 { group.addTask { await event.waitUntilHappened() } }
            group.cancelAll()
            await group.waitForAll()
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 1...10 { group.addTask { await event.waitUntilHappened() } }
            event.happen()
            await group.waitForAll()
        }
        await event.waitUntilHappened()
    }

    @Test("without a deadline nothing is postponed, and an error is passed on")
    func noDeadline() async {
        struct Wrong: Error {}
        #expect(TransactionDeadline.current == nil)
        await #expect(throws: Wrong.self) { try await TransactionDeadline.postponed { throw Wrong() } }
        await TransactionDeadline.postponed { #expect(TransactionDeadline.current == nil) }
    }
}
