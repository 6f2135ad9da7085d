/// Many runs, on all processors, until one breaks the promise.
package struct Series: Sendable {
    /// What came of them.
    package struct Report: Sendable {
        /// How many runs there were.
        package var runs = 0

        /// What happened in all of them.
        package var counts = Simulation.Counts()

        /// The first seed that broke the promise; nil when none did.
        package var failedSeed: UInt64?
    }

    private let first: UInt64
    private let runs: Int
    private let fault: Fault?
    private let weather: Simulation.Weather

    /// So many runs, each from the seed after the one before.
    package init(from first: UInt64, runs: Int, _ weather: Simulation.Weather = .rough, fault: Fault? = nil) {
        self.first = first
        self.runs = runs
        self.fault = fault
        self.weather = weather
    }

    /// Makes them.
    package func run() async -> Report {
        var report = Report()
        await withTaskGroup(of: Report.self) { group in
            var begun = 0
            func begin() {
                guard begun < runs else { return }
                let start = begun
                begun = min(begun + Self.batch, runs)
                group.addTask { [end = begun] in await batch(start..<end) }
            }
            for _ in 0..<Self.tasks { begin() }
            while let part = await group.next() {
                report.runs += part.runs
                report.counts += part.counts
                if let failed = part.failedSeed { report.failedSeed = min(report.failedSeed ?? failed, failed) }
                if report.failedSeed == nil { begin() }
            }
        }
        return report
    }

    private func batch(_ numbers: Range<Int>) async -> Report {
        var report = Report()
        for number in numbers {
            let seed = first &+ UInt64(number)
            let outcome = Simulation.run(seed: seed, weather, fault: fault)
            report.runs += 1
            report.counts += outcome.counts
            if !outcome.violations.isEmpty {
                report.failedSeed = seed
                return report
            }
            // Others want the processors too.
            await Task.yield()
        }
        return report
    }

    /// Small enough that a run soon stops at the first seed that fails.
    private static let batch = 32
    private static let tasks = 4
}
