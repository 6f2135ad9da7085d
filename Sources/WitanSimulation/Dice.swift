/// Random numbers of a run, the same for the same seed (SplitMix64), and quick: a run throws thousands of dice.
struct Dice {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// A number from 0 up to, and without, the bound.
    mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// Whether something happens that does so many times in a thousand.
    mutating func happens(perMille: Int) -> Bool { perMille > 0 && below(1_000) < perMille }

    /// A duration between two.
    mutating func duration(_ lowest: Duration, _ highest: Duration) -> Int64 {
        let (low, high) = (lowest.simulated, highest.simulated)
        return low + Int64(below(Int(high - low) + 1))
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}

extension Duration {
    /// In nanoseconds, as the simulated clocks count.
    var simulated: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
