package import WitanCore

/// What the server counts about itself, declared in one place.
package struct ServerMetrics: Sendable {
    /// Where the metrics are registered and rendered.
    package let registry: MetricsRegistry

    /// Requests between their head and the end of their answer.
    package let requestsInFlight: Gauge

    /// Requests refused with 503 because too many were in flight.
    package let overloadRefusals: Counter

    /// Client connections that are open.
    package let openConnections: Gauge

    /// Requests refused with 429, by the limiter that refused them.
    package let rateLimited: MetricSet<LimiterKind, Counter>

    /// Credentials that were looked at, by what came of it.
    package let keyChecks: MetricSet<KeyCheckOutcome, Counter>

    /// How long database transactions took, in nanoseconds, commit included.
    package let transactionDuration: MetricSet<TransactionKind, Histogram>

    /// How many transactions shared a commit.
    package let commitGroupSize: Histogram

    /// What the server counts about the others on its database.
    package let cluster: ClusterMetrics

    private let requests: MetricFamily<Counter>
    private let requestDuration: MetricFamily<Histogram>

    /// Registers everything, the process's own metrics included.
    package init(registry: MetricsRegistry = MetricsRegistry()) throws(Failure) {
        self.registry = registry
        requests = try registry.counterFamily(
            "witan_http_requests_total",
            help: "Requests answered, by route template, method and status.",
            labels: ["route", "method", "status"],
            limit: 4_096
        )
        requestDuration = try registry.histogramFamily(
            "witan_http_request_duration_seconds",
            help: "Time from a request's head to the end of its answer.",
            labels: ["route", "method"],
            buckets: .seconds([
                0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
            ])
        )
        requestsInFlight = try registry.gauge(
            "witan_http_requests_in_flight",
            help: "Requests under way."
        )
        overloadRefusals = try registry.counter(
            "witan_overload_refusals_total",
            help: "Requests refused with 503 because too many were in flight."
        )
        openConnections = try registry.gauge(
            "witan_open_connections",
            help: "Client connections that are open."
        )
        rateLimited = MetricSet(
            try registry.counterFamily(
                "witan_rate_limited_total",
                help: "Requests refused with 429, by limiter.",
                labels: ["limiter"]
            )
        )
        keyChecks = MetricSet(
            try registry.counterFamily(
                "witan_key_checks_total",
                help: "Credentials checked, by outcome.",
                labels: ["outcome"]
            )
        )
        transactionDuration = MetricSet(
            try registry.histogramFamily(
                "witan_database_transaction_duration_seconds",
                help: "Time of a database transaction, commit included.",
                labels: ["kind"],
                buckets: .seconds([
                    0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5,
                ])
            )
        )
        commitGroupSize = try registry.histogram(
            "witan_database_commit_group_size",
            help: "Transactions that shared a commit.",
            buckets: .items([1, 2, 4, 8, 16, 32, 64, 128, 256])
        )
        cluster = try ClusterMetrics(registry: registry)
        try registry.registerProcessMetrics()
    }

    /// The counters of one route, to be kept by it: `template` is the pattern and never a path that a client sent.
    package func route(_ template: String, method: String) -> RouteMetrics {
        let requests = requests
        return RouteMetrics(duration: requestDuration.with(template, method)) { status in
            requests.with(template, method, String(status))
        }
    }
}

// MARK: - Numbers kept elsewhere

extension ServerMetrics {
    /// Shows how many verified credentials are in memory.
    package func showCredentialCacheSize(_ size: @escaping @Sendable () -> Int) throws(Failure) {
        try registry.gauge(
            "witan_credential_cache_entries",
            help: "Verified credentials kept in memory."
        ) { Double(size()) }
    }

    /// Shows how many lines `output` could not write.
    package func showLostLogLines(of output: LogOutput) throws(Failure) {
        try registry.counter(
            "witan_log_lines_dropped_total",
            help: "Log lines lost because the output was too slow or failed."
        ) { Double(output.lostLines) }
    }
}

// MARK: - Label values

/// What came of looking at a credential.
package enum KeyCheckOutcome: String, Sendable, CaseIterable {
    /// Accepted from memory.
    case cached
    /// Accepted after a look at the database.
    case loaded
    /// None was sent.
    case missing
    /// It has not the form of a credential, or its checksum is wrong.
    case malformed
    /// Nobody has it.
    case unknown
    /// It was good until its time was over.
    case expired
    /// It was good until it was deleted.
    case revoked
    /// Its owner is no longer in its organization.
    case orphaned
    /// It could not be checked because the database is away.
    case unavailable
}

/// A limiter of the design: key service, section 5.
package enum LimiterKind: String, Sendable, CaseIterable {
    /// By credential.
    case credential
    /// By client address, for authentication that failed.
    case address
    /// By organization.
    case organization
}

/// What a database transaction may do.
package enum TransactionKind: String, Sendable, CaseIterable {
    /// It sees a snapshot.
    case read
    /// It changes rows.
    case write
}
