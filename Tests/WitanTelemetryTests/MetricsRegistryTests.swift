import Testing
import WitanCore
import WitanTelemetry

struct MetricsRegistryTests {
    @Test("The text is exactly the format, in the order of registration")
    func exactText() throws {
        let registry = MetricsRegistry()
        let requests = try registry.counterFamily("requests_total", help: "All.", labels: ["method", "status"])
        let size = try registry.histogram("size", help: "Sizes.", buckets: .items([1, 2.5]))
        let flying = try registry.gauge("flying", help: "Now.")
        requests.with("POST", "200").increment(by: 3)
        requests.with("GET", "404").increment()
        for value: Int64 in [1, 2, 7] { size.observe(value) }
        flying.add(-2)
        #expect(
            String(decoding: registry.render(), as: UTF8.self) == """
                # HELP requests_total All.
                # TYPE requests_total counter
                requests_total{method="GET",status="404"} 1
                requests_total{method="POST",status="200"} 3
                # HELP size Sizes.
                # TYPE size histogram
                size_bucket{le="1"} 1
                size_bucket{le="2.5"} 2
                size_bucket{le="+Inf"} 3
                size_sum 10
                size_count 3
                # HELP flying Now.
                # TYPE flying gauge
                flying -2

                """
        )
    }

    @Test(
        "Every value of a label and every help text survives a round trip",
        arguments: [
            "plain", "", "quote\"", "back\\slash", "new\nline", "\\n", "\\\"", "a\",b=\"c", "}", "ü\u{0}\u{7F}", "\r",
        ]
    )
    func escaping(text: String) throws {
        let registry = MetricsRegistry()
        let family = try registry.counterFamily("c", help: "help \(text)", labels: ["name", "other"])
        family.with(text, "x").increment()
        let families = try ExpositionParser.parse(registry.render())
        #expect(families.map(\.help) == ["help \(text)"])
        #expect(families.value("c", ["name": text, "other": "x"]) == 1)
    }

    @Test("Durations are observed in nanoseconds and shown in seconds, a bound belonging to its bucket")
    func durations() throws {
        let registry = MetricsRegistry()
        let duration = try registry.histogram("d", help: "D.", buckets: .seconds([0.0001, 0.5]))
        for nanoseconds: Int64 in [100_000, 100_001, 500_000_000, 500_000_001, -5] { duration.observe(nanoseconds) }
        let families = try ExpositionParser.parse(registry.render())
        #expect(families.value("d_bucket", ["le": "0.0001"]) == 2)
        #expect(families.value("d_bucket", ["le": "0.5"]) == 4)
        #expect(families.value("d_bucket", ["le": "+Inf"]) == 5)
        #expect(families.value("d_count") == 5)
        #expect(families.value("d_sum") == 1.000_200_002)
    }

    @Test(
        "Values kept elsewhere are read at each rendering, and left out when there is none",
        arguments: [
            (1.0, "1"), (0.25, "0.25"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (nil, nil),
        ] as [(Double?, String?)]
    )
    func closures(value: Double?, text: String?) throws {
        let registry = MetricsRegistry()
        try registry.gauge("g", help: "G.") { value }
        try registry.counter("c", help: "C.") { value }
        let lines = String(decoding: registry.render(), as: UTF8.self).split(separator: "\n")
        let samples = lines.filter { !$0.hasPrefix("#") }
        #expect(samples.map(String.init) == (text.map { ["g \($0)", "c \($0)"] } ?? []))
        #expect(lines.count { $0.hasPrefix("# TYPE") } == 2)
    }

    @Test("Counting from many threads loses nothing")
    func concurrency() async throws {
        let registry = MetricsRegistry()
        let family = try registry.counterFamily("c", help: "C.", labels: ["worker"])
        let gauge = try registry.gauge("g", help: "G.")
        let histogram = try registry.histogram("h", help: "H.", buckets: .items([3]))
        await withTaskGroup { group in
            for worker in 0..<8 {
                group.addTask {
                    for round in 0..<5_000 {
                        family.with(String(worker % 2)).increment()
                        gauge.add(round.isMultiple(of: 2) ? 1 : -1)
                        histogram.observe(Int64(round % 5))
                    }
                }
            }
        }
        let families = try ExpositionParser.parse(registry.render())
        #expect(families.value("c", ["worker": "0"]) == 20_000)
        #expect(families.value("c", ["worker": "1"]) == 20_000)
        #expect(families.value("g") == 0)
        #expect(families.value("h_bucket", ["le": "3"]) == 32_000)
        #expect(families.value("h_count") == 40_000)
        #expect(families.value("h_sum") == 80_000)
    }

    @Test("A family does not grow past its limit, and what comes after is still counted")
    func overflow() throws {
        let registry = MetricsRegistry()
        let family = try registry.counterFamily("c", help: "C.", labels: ["a", "b"], limit: 2)
        for index in 0..<10 {
            family.with("a\(index)", "b").increment()
        }
        family.with("a1", "b").increment()
        let families = try ExpositionParser.parse(registry.render())
        #expect(
            families.values(of: "c") == [
                ["": "c", "a": "a0", "b": "b"]: 1,
                ["": "c", "a": "a1", "b": "b"]: 2,
                ["": "c", "a": "overflow", "b": "overflow"]: 8,
            ]
        )
    }

    @Test("One combination of values is one series, however it is asked for")
    func identity() throws {
        let registry = MetricsRegistry()
        let family = try registry.counterFamily("c", help: "C.", labels: ["a"])
        #expect(family.with("x") === family.with("x"))
        #expect(family.with("x") === family.with("x", "beyond", "the labels"))
        #expect(family.with("x") !== family.with("y"))
        _ = try ExpositionParser.parse(registry.render())
    }

    @Test("Names outside the grammar are refused", arguments: ["", "1a", "a-b", "a b", "ä", "a\n", "a{"])
    func metricNames(name: String) {
        #expect(throws: Failure.self) { try MetricsRegistry().counter(name, help: "") }
    }

    @Test("Names inside the grammar are taken", arguments: ["a", "_1", "witan:rate_5m", "A9"])
    func goodMetricNames(name: String) throws {
        let registry = MetricsRegistry()
        _ = try registry.counter(name, help: "Good.")
        #expect(try ExpositionParser.parse(registry.render()).value(name) == 0)
    }

    @Test(
        "Labels that the format reserves, or that are too many, are refused",
        arguments: [
            [], ["a", "b", "c", "d"], ["a", "a"], ["__a"], ["le"], ["a:b"], ["1"], [""],
        ]
    )
    func labels(labels: [String]) {
        #expect(throws: Failure.self) { try MetricsRegistry().counterFamily("c", help: "", labels: labels) }
    }

    @Test(
        "Buckets that are empty, unordered or not numbers are refused",
        arguments: [
            [], [2, 1], [1, 1], [0, 1], [-1], [.nan], [1, .infinity],
        ]
    )
    func buckets(bounds: [Double]) {
        #expect(throws: Failure.self) { try MetricsRegistry().histogram("h", help: "", buckets: .items(bounds)) }
    }

    @Test("No two metrics share a series' name", arguments: ["h", "h_sum", "h_count", "h_bucket"])
    func duplicates(name: String) throws {
        let registry = MetricsRegistry()
        _ = try registry.histogram("h", help: "", buckets: .items([1]))
        #expect(throws: Failure.self) { try registry.gauge(name, help: "") }
        _ = try registry.gauge("h_other", help: "")
    }
}
