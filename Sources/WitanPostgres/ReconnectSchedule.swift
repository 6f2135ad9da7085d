import WitanCore

/// When a database that could not be reached is tried again: soon at first, then less and less often, and by one caller
/// at a time.
///
/// Meanwhile whoever asks is refused at once, with the reason of the last try.
struct ReconnectSchedule: Sendable {
    /// A try that is under way.
    struct Attempt: Sendable {
        fileprivate let round: Int
    }

    /// Counts what was learnt: those who began before that learn nothing new.
    private var round = 0
    private var failures = 0
    private var notBefore = Int64.min
    private var reason: Failure?
    private var isTried = false

    private static let shortest: Int64 = 50_000_000
    private static let longest: Int64 = 1_000_000_000

    /// Lets a caller try to connect.
    ///
    /// - Throws: why there is no connection, while it is too early for another try or somebody else is at it.
    mutating func begin(at now: Int64) throws(Failure) -> Attempt {
        if let reason {
            guard now >= notBefore, !isTried else { throw reason }
            isTried = true
        }
        return Attempt(round: round)
    }

    /// Remembers a try that failed; the wait until the next is drawn from the upper half of its length.
    mutating func failed(_ attempt: Attempt, _ reason: Failure, at now: Int64, using random: inout RandomSource) {
        // Many may have been connecting when the database went away, and all of them tell of it.
        guard attempt.round == round else { return }
        round += 1
        failures += 1
        let wait = min(Self.shortest << Int64(min(failures - 1, 16)), Self.longest)
        notBefore = now + Int64.random(in: wait / 2...wait, using: &random)
        self.reason = reason
        isTried = false
    }

    /// Forgets the failures.
    mutating func succeeded() {
        let next = round + 1
        self = ReconnectSchedule()
        round = next
    }
}
