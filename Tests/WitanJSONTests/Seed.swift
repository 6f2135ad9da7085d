import Foundation
import Testing

/// The start of a run of generated cases, shown by a failing test.
///
/// `WITAN_SEED=42 swift test` runs the cases of a seed again.
struct Seed: Sendable, CustomTestStringConvertible {
    let number: UInt64

    static let ofThisRun = Seed(
        number: ProcessInfo.processInfo.environment["WITAN_SEED"].flatMap { UInt64($0) } ?? .random(in: .min ... .max)
    )

    var testDescription: String { "WITAN_SEED=\(number)" }
}

/// Random numbers that are the same for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: Seed) {
        state = seed.number
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
