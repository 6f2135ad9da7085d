package import WitanAccess
package import WitanCore
package import WitanStorage
package import WitanTelemetry

/// What a process needs to know of the others on its database, whether there can be any or not.
package struct Cluster: Sendable {
    /// Where changes are told of.
    package let store: ClusterStore

    /// Whether what the process has cached may be used.
    package let lease: CacheLease

    /// How many servers the limits are divided between.
    package let share: RateLimitShare

    /// Where changes wait for the others; nil where there are none.
    package let waiter: ClusterWaiter?

    /// A process that has its database for itself.
    package static func alone(limits: Limits = Limits()) -> Cluster {
        Cluster(
            store: ClusterStore(keepsEvents: false, limits: limits),
            lease: .perpetual,
            share: RateLimitShare(),
            waiter: nil
        )
    }

    /// A process on a database that others use too.
    ///
    /// Until a `ClusterNode` runs, it trusts nothing that it has cached. `control` has connections that no request ever
    /// waits for, so that a node under load still hears of changes in time.
    package static func shared(
        control: any SQLDatabase,
        metrics: ClusterMetrics,
        ids: ObjectIDGenerator,
        time: TimeSource,
        limits: Limits = Limits(),
        pause: @escaping @Sendable (Duration) async -> Void = { await ChangeTimer().wait(atMost: $0) }
    ) -> Cluster {
        let store = ClusterStore(keepsEvents: true, limits: limits)
        return Cluster(
            store: store,
            lease: CacheLease(time: time),
            share: RateLimitShare(),
            waiter: ClusterWaiter(
                database: control,
                store: store,
                metrics: metrics,
                ids: ids,
                time: time,
                limits: limits,
                pause: pause
            )
        )
    }
}
