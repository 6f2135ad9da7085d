import Testing
import WitanSimulation

@Suite("Simulated clusters")
struct SimulationTests {
    /// Where the runs of this test begin; `witan-simulate SEED` repeats one.
    private static let seed: UInt64 = 1

    @Test("whatever stops, gets lost or comes late: what was taken away is accepted from nobody who asks afterwards")
    func promise() async {
        let report = await Series(from: Self.seed, runs: 2_000).run()
        #expect(report.failedSeed == nil, "Run `make simulate SEED=\(report.failedSeed ?? 0)` and read its trace.")
        #expect(report.runs == 2_000)
        for (name, count) in report.counts.named { #expect(count > 0, "\(name): the runs never came there") }
    }

    @Test("when nothing goes wrong, changes are answered quickly and nobody loses a lease")
    func calm() async {
        let report = await Series(from: Self.seed, runs: 300, .calm).run()
        #expect(report.failedSeed == nil)
        #expect(report.counts.changes > 1_000)
        #expect(report.counts.longWaits == 0)
        #expect(report.counts.refusals == 0)
        #expect(report.counts.unavailable == 0)
        #expect(report.counts.longestWait < 300_000_000)
        #expect(report.counts.cached > 1_000)
    }

    @Test("a seed gives the same run each time")
    func repeats() {
        for seed in Self.seed..<Self.seed + 50 {
            let (first, second) = (
                Simulation.run(seed: seed, isTraced: true), Simulation.run(seed: seed, isTraced: true)
            )
            #expect(first.trace == second.trace)
            #expect(!first.trace.isEmpty)
            #expect(first.counts == Simulation.run(seed: seed).counts)
        }
    }

    /// How many runs find each planted mistake at the latest; some need a crash at the right moment.
    private static let faults: [(fault: Fault, runs: Int)] = Fault.allCases.map { fault in
        switch fault {
        case .leaseUnchecked, .waitSkipped, .removesAtOnce, .fillsIgnoreChanges, .tombstonesSkipped, .kindForgotten,
            .readsFromCopy, .joinsWithoutForgetting, .repeatsUnawaited,
            .repeatsAwaitOthersAlone:
            (fault, 100)
        case .leaseFromReceipt, .leaseReadAfterLookup, .oneClock, .trustsBeforeApplying, .acknowledgesBeforeApplying,
            .lateAnswersCount, .rowsFromBeforeCommit, .lostCommitsUnnoticed, .leavesBeforePuttingDown:
            (fault, 1_000)
        case .registrationReused, .registrationNotDurable: (fault, 3_000)
        case .removesSilent: (fault, 40_000)
        }
    }

    @Test("each planted mistake is found", arguments: faults)
    private func finds(_ fault: Fault, runs: Int) async {
        // The rarest of them takes minutes without optimization, so that its runs begin shortly before the one.
        let first = fault == .removesSilent ? Self.silentSeed : Self.seed
        let report = await Series(from: first, runs: runs, fault: fault).run()
        guard let found = report.failedSeed else {
            Issue.record("\(fault.summary) was not found in \(runs) runs")
            return
        }
        print("\(fault.summary): found by seed \(found), the \(found - first + 1). of its runs")
    }

    private static let silentSeed: UInt64 = 37_500
}
