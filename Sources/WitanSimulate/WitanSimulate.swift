import WitanCore
import WitanSimulation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What the command line asks for.
private struct Arguments {
    var seed: UInt64?
    var runs: Int?
    var fault: Fault?

    static let usage = """
        Usage: witan-simulate [SEED] [--runs N] [--fault NAME]

        Simulates clusters of servers under stopped clocks, lost messages, pauses and crashes, each run from a seed, and \
        looks for a request that is accepted though what it rests on was taken away before. Without a seed it makes \
        100000 runs from a random one on; with a seed it makes that run, or N from it on.

        --fault plants a mistake, which the runs must find: \(Fault.allCases.map(\.rawValue).joined(separator: ", ")).

        """

    init?(_ arguments: some Sequence<String>) {
        var iterator = arguments.makeIterator()
        while let argument = iterator.next() {
            switch argument {
            case "--runs":
                guard let runs = iterator.next().flatMap(Int.init), runs > 0 else { return nil }
                self.runs = runs
            case "--fault":
                guard let fault = iterator.next().flatMap(Fault.init) else { return nil }
                self.fault = fault
            default:
                guard seed == nil, let seed = UInt64(argument) else { return nil }
                self.seed = seed
            }
        }
    }
}

/// Runs what the command line asks for, and tells what came of it.
@main
private enum WitanSimulate {
    static func main() async {
        guard let arguments = Arguments(CommandLine.arguments.dropFirst()) else {
            print(Arguments.usage)
            exit(2)
        }
        var random = RandomSource.system
        let seed = arguments.seed ?? UInt64(UInt32(truncatingIfNeeded: random.next()))
        let runs = arguments.runs ?? (arguments.seed == nil ? 100_000 : 1)
        let start = TimeSource.system.monotonic()
        let report = await Series(from: seed, runs: runs, fault: arguments.fault).run()
        let seconds = Double(TimeSource.system.monotonic() - start) / 1e9

        print(
            "seeds \(seed) to \(seed + UInt64(report.runs) - 1): \(report.runs) runs, \(Int(Double(report.runs) / seconds)) a second"
        )
        for (name, count) in report.counts.named { print("  \(count) \(name)") }
        print("  \(report.counts.longestWait / 1_000_000) ms: the longest wait of a change")
        guard let failed = report.failedSeed else {
            print("The promise held.")
            exit(0)
        }
        let outcome = Simulation.run(seed: failed, fault: arguments.fault, isTraced: true)
        for line in outcome.trace { print(line) }
        print("Seed \(failed) breaks the promise: \(outcome.violations.first ?? "")")
        exit(1)
    }
}
