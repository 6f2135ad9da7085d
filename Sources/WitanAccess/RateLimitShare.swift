import Synchronization

/// How many servers a limit is divided between, told by whoever counts them.
package final class RateLimitShare: Sendable {
    private let count = Atomic(1)

    /// The whole limit is one server's.
    package init() {}

    /// Divides the limits equally between so many servers, of which this is one.
    package func set(nodes: Int) {
        // No interval may overflow; nobody has as many servers.
        count.store(min(max(nodes, 1), 1_000), ordering: .relaxed)
    }

    /// The number of servers.
    package var nodes: Int { count.load(ordering: .relaxed) }
}
