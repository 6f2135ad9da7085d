package import WitanCore

/// What a server counts about the others on its database; a server that is alone leaves it as it is.
package struct ClusterMetrics: Sendable {
    /// Servers that gave a sign of life lately, this one among them.
    package let liveNodes: Gauge

    /// The number of the newest change that has been applied.
    package let appliedSequence: Gauge

    /// Leases that were over before the next one was there.
    package let leasesLost: Counter

    /// Events that were applied.
    package let eventsApplied: Counter

    /// How long changes waited for the other servers, in nanoseconds.
    package let wait: Histogram

    /// Registers everything.
    package init(registry: MetricsRegistry) throws(Failure) {
        liveNodes = try registry.gauge(
            "witan_cluster_live_nodes",
            help: "Servers on the database that gave a sign of life lately, this one among them."
        )
        liveNodes.set(1)
        appliedSequence = try registry.gauge(
            "witan_cluster_applied_seq",
            help: "The number of the newest change that was applied to the caches."
        )
        leasesLost = try registry.counter(
            "witan_cluster_lease_lost_total",
            help: "How often the caches could not be trusted, because changes could not be asked for in time."
        )
        eventsApplied = try registry.counter(
            "witan_cluster_events_applied_total",
            help: "Events applied to the caches."
        )
        wait = try registry.histogram(
            "witan_cluster_wait_seconds",
            help: "Time that a change waited for the other servers between its commit and its answer.",
            buckets: .seconds([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5])
        )
    }
}
