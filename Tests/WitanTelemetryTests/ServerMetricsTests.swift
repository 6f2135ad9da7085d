import Testing
import WitanCore
import WitanTelemetry

struct ServerMetricsTests {
    @Test("A request is counted under its route, method and status, and its duration once")
    func route() throws {
        let metrics = try ServerMetrics()
        let route = metrics.route("/v1/api_key/{id}", method: "GET")
        for (status, nanoseconds) in [(200, 1_000_000), (404, 20_000_000), (200, 1), (403, 1)] {
            route.record(status: status, nanoseconds: Int64(nanoseconds))
        }
        metrics.route("/v1/api_key", method: "POST").record(status: 200, nanoseconds: 5)
        let families = try ExpositionParser.parse(metrics.registry.render())
        let get = ["route": "/v1/api_key/{id}", "method": "GET"]
        let post = ["route": "/v1/api_key", "method": "POST"]
        func series(_ labels: [String: String], _ status: String) -> [String: String] {
            labels.merging(["status": status, "": "witan_http_requests_total"]) { old, _ in old }
        }
        #expect(
            families.values(of: "witan_http_requests_total") == [
                series(get, "200"): 2, series(get, "404"): 1, series(get, "403"): 1, series(post, "200"): 1,
            ]
        )
        let duration = "witan_http_request_duration_seconds"
        #expect(families.value("\(duration)_count", get) == 4)
        #expect(families.value("\(duration)_bucket", get.merging(["le": "0.001"]) { old, _ in old }) == 3)
        #expect(families.value("\(duration)_sum", get) == 0.021_000_002)
    }

    @Test("Threads that meet a route's statuses for the first time at once count each request")
    func routeConcurrency() async throws {
        let metrics = try ServerMetrics()
        let route = metrics.route("/", method: "GET")
        await withTaskGroup { group in
            for worker in 0..<8 {
                group.addTask {
                    for round in 0..<1_000 { route.record(status: 200 + (worker + round) % 10, nanoseconds: 1) }
                }
            }
        }
        let families = try ExpositionParser.parse(metrics.registry.render())
        let counts = families.values(of: "witan_http_requests_total")
        #expect(counts.count == 10)
        #expect(counts.values.allSatisfy { $0 == 800 })
    }

    @Test("Every outcome, limiter and kind is there before it happens, so that alerts see a zero")
    func zeros() throws {
        let metrics = try ServerMetrics()
        metrics.keyChecks[.cached].increment()
        metrics.rateLimited[.address].increment(by: 2)
        metrics.transactionDuration[.write].observe(2_000_000)
        let families = try ExpositionParser.parse(metrics.registry.render())
        for outcome in KeyCheckOutcome.allCases {
            let expected = outcome == .cached ? 1.0 : 0
            #expect(families.value("witan_key_checks_total", ["outcome": outcome.rawValue]) == expected)
        }
        for limiter in LimiterKind.allCases {
            let expected = limiter == .address ? 2.0 : 0
            #expect(families.value("witan_rate_limited_total", ["limiter": limiter.rawValue]) == expected)
        }
        for kind in TransactionKind.allCases {
            let name = "witan_database_transaction_duration_seconds_count"
            #expect(families.value(name, ["kind": kind.rawValue]) == (kind == .write ? 1 : 0))
        }
    }

    @Test("Numbers kept elsewhere appear once their owner is there, and only once")
    func elsewhere() throws {
        let metrics = try ServerMetrics()
        try metrics.showCredentialCacheSize { 7 }
        metrics.openConnections.add(9)
        metrics.requestsInFlight.add(3)
        metrics.overloadRefusals.increment()
        metrics.commitGroupSize.observe(40)
        let families = try ExpositionParser.parse(metrics.registry.render())
        #expect(families.value("witan_credential_cache_entries") == 7)
        #expect(families.value("witan_open_connections") == 9)
        #expect(families.value("witan_http_requests_in_flight") == 3)
        #expect(families.value("witan_overload_refusals_total") == 1)
        #expect(families.value("witan_database_commit_group_size_bucket", ["le": "32"]) == 0)
        #expect(families.value("witan_database_commit_group_size_bucket", ["le": "64"]) == 1)
        #expect(throws: Failure.self) { try metrics.showCredentialCacheSize { 1 } }
    }

    #if os(Linux)
    @Test("The process's own metrics are plausible")
    func process() throws {
        let families = try ExpositionParser.parse(try ServerMetrics().registry.render())
        let now = Double(TimeSource.system.now().seconds)
        #expect(try #require(families.value("process_resident_memory_bytes")) > 1_000_000)
        #expect(try #require(families.value("process_cpu_seconds_total")) >= 0)
        #expect(try #require(families.value("process_open_fds")) >= 3)
        let start = try #require(families.value("process_start_time_seconds"))
        #expect(start > now - 86_400 && start <= now + 1)
    }
    #endif
}
