import Synchronization

/// The counters of one route: its requests by status, and their duration.
///
/// The counter of a status is made when the route first answers with it. Routes know few statuses, so they hang in a
/// list that only grows at its end: finding one takes no lock and, for the usual status, one step.
package final class RouteMetrics: Sendable {
    private final class Node: Sendable {
        let status: Int
        let counter: Counter
        let next = AtomicLazyReference<Node>()

        init(status: Int, counter: Counter) {
            self.status = status
            self.counter = counter
        }
    }

    private let duration: Histogram
    private let resolve: @Sendable (Int) -> Counter
    private let first = AtomicLazyReference<Node>()

    init(duration: Histogram, resolve: @escaping @Sendable (Int) -> Counter) {
        self.duration = duration
        self.resolve = resolve
    }

    /// Counts one answered request and how long it took.
    package func record(status: Int, nanoseconds: Int64) {
        counter(of: status).increment()
        duration.observe(nanoseconds)
    }

    private func counter(of status: Int) -> Counter {
        var node = first.load() ?? first.storeIfNil(makeNode(status))
        while node.status != status {
            // Another thread may have appended a different status meanwhile; then the walk goes on from there.
            node = node.next.load() ?? node.next.storeIfNil(makeNode(status))
        }
        return node.counter
    }

    private func makeNode(_ status: Int) -> Node {
        Node(status: status, counter: resolve(status))
    }
}
