/// One run of a cluster under everything that can go wrong, decided by a seed.
///
/// The database's tables and the network are simulated; what decides is the real thing: `NodeState`, `NodeWatch`,
/// `ChangeWaits`, `Lease` and the caches. Nothing in it knows whether it is simulated.
///
/// The promise that it checks: a request that is sent after a change was answered is not accepted by what that change
/// took away.
package struct Simulation {
    /// What a run came to.
    package struct Outcome: Sendable {
        /// Each broken promise, in a sentence; empty when the protocol holds.
        package var violations: [String] = []

        /// What happened how often.
        package var counts = Counts()

        /// What happened, a line each; empty unless it was asked for.
        package var trace: [String] = []
    }

    /// How much goes wrong.
    package enum Weather: Sendable {
        /// Whatever the seed says.
        case rough
        /// Nothing: clocks run, messages arrive, nobody stops.
        case calm
    }

    /// Runs it.
    package static func run(
        seed: UInt64,
        _ weather: Weather = .rough,
        fault: Fault? = nil,
        isTraced: Bool = false
    ) -> Outcome {
        let world = SimulatedWorld(seed: seed, weather, fault: fault, isTraced: isTraced)
        world.run()
        return world.outcome
    }
}

extension Simulation {
    /// What happened in one run or in many.
    package struct Counts: Sendable, Hashable {
        /// Requests that were accepted by what was cached alone.
        package var cached = 0
        /// Requests that were accepted after a look at the database.
        package var loaded = 0
        /// Requests that were refused.
        package var refused = 0
        /// Requests that could not be decided, because the database was away.
        package var unavailable = 0
        /// Look-ups that found something which could not be trusted.
        package var untrusted = 0
        /// Changes that were answered.
        package var changes = 0
        /// Those that waited until the leases of others were over.
        package var longWaits = 0
        /// Registrations.
        package var joins = 0
        /// Nodes that found out that they had been refused.
        package var refusals = 0
        /// Events that made a node forget everything.
        package var forgotten = 0
        /// Fills that a change made worthless.
        package var droppedFills = 0
        /// Nodes that died.
        package var deaths = 0
        /// Nodes that were stopped.
        package var departures = 0
        /// Changes that had been made before.
        package var repeats = 0
        /// Failovers to a copy of the database that was behind.
        package var failovers = 0
        /// The longest that a change waited, in nanoseconds of its node's clock.
        package var longestWait: Int64 = 0

        /// Adds another run's; of the longest waits the longer.
        package static func += (sum: inout Counts, other: Counts) {
            for path in paths { sum[keyPath: path] += other[keyPath: path] }
            sum.longestWait = max(sum.longestWait, other.longestWait)
        }

        /// Each count with a word for it.
        package var named: [(name: String, count: Int)] {
            zip(Self.names, Self.paths).map { ($0, self[keyPath: $1]) }
        }

        private static var paths: [WritableKeyPath<Counts, Int>] {
            [
                \.cached, \.loaded, \.refused, \.unavailable, \.untrusted, \.changes, \.longWaits, \.joins, \.refusals,
                \.forgotten, \.droppedFills, \.deaths, \.departures, \.repeats, \.failovers,
            ]
        }

        private static let names = [
            "accepted from memory", "accepted from the database", "refused", "undecided", "found and not trusted",
            "changes answered", "changes that waited for a lease to end", "registrations", "nodes refused",
            "caches forgotten", "fills dropped", "nodes that died", "nodes that were stopped",
            "changes that were made before",
            "failovers",
        ]
    }
}
