import Synchronization
import WitanCore
package import WitanStorage

/// Whether the server can serve: it is not draining, and its database answers.
package final class Readiness: Sendable {
    private let isDraining = Atomic<Bool>(false)
    private let database: any SQLDatabase

    /// Takes the database to ask.
    package init(database: any SQLDatabase) {
        self.database = database
    }

    /// From now on the server is not ready, so that a load balancer sends requests elsewhere.
    package func drain() {
        isDraining.store(true, ordering: .relaxed)
    }

    /// Throws `.unavailable` when the server cannot serve.
    func check() async throws {
        guard !isDraining.load(ordering: .relaxed) else {
            throw Failure(.unavailable, "The server is stopping.", retryAfter: .seconds(1))
        }
        try await database.ping()
    }
}
