import Foundation
import Testing
import WitanCore
import WitanEngines
import WitanPostgres
import WitanStorage
import WitanTesting

@Suite("Notifications of PostgreSQL's", .enabled(if: PostgresInstance.isAvailable), .timeLimit(.minutes(5)))
struct ListenerTests {
    @Test("a commit of another process's wakes whoever waits, long before the time is over, and each one does")
    func wakes() async throws {
        let server = try #require(PostgresPlace.server)
        let channel = "listener_\(UUID().uuidString.prefix(8))".lowercased()
        let listener = PostgresListener(
            try PostgresAddress(url: server),
            channel: channel,
            limits: .unhurried,
            time: .system
        )
        // A connection that is new tells that something may have been missed.
        await listener.wait(atMost: .seconds(86_400))
        for _ in 1...3 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await listener.wait(atMost: .seconds(86_400)) }
                try await PostgresInstance.execute(["SELECT pg_notify('\(channel)', '')"], on: server)
                try await group.waitForAll()
            }
        }
        await listener.close()
    }
}
