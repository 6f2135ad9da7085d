/// A clock that runs a little too fast or too slow, can stop, and can be set.
struct SimulatedClock {
    private var value: Int64
    private var since: Int64 = 0
    private let partsPerMille: Int64
    private(set) var isStopped = false

    /// Shows `value` at the beginning and gains so many thousandths.
    init(value: Int64, gaining partsPerMille: Int64, at now: Int64) {
        self.value = value
        self.partsPerMille = partsPerMille
        since = now
    }

    func read(at now: Int64) -> Int64 {
        isStopped ? value : value + (now - since) + (now - since) / 1_000 * partsPerMille
    }

    mutating func stop(at now: Int64) {
        value = read(at: now)
        since = now
        isStopped = true
    }

    mutating func resume(at now: Int64) {
        guard isStopped else { return }
        since = now
        isStopped = false
    }

    mutating func set(forward nanoseconds: Int64, at now: Int64) {
        value = read(at: now) + nanoseconds
        since = now
    }

    /// How long it takes in truth until the clock has gone on by so much, if it does not stop.
    func duration(of nanoseconds: Int64) -> Int64 {
        max(nanoseconds - nanoseconds / 1_000 * partsPerMille, 1)
    }
}
