import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Where random bits come from, given to whatever needs them so that tests can repeat a run.
package struct RandomSource: RandomNumberGenerator, Sendable {
    private let draw: @Sendable () -> UInt64

    /// The system's cryptographically secure generator, asked for a few hundred bytes at a time.
    package static let system: RandomSource = {
        let reserve = SystemReserve()
        return RandomSource { reserve.next() }
    }()

    /// SplitMix64 from a seed: the same bits each time, for tests only.
    package static func seeded(_ seed: UInt64) -> RandomSource {
        let state = SeededState(seed)
        return RandomSource { state.next() }
    }

    /// The next 64 bits.
    package mutating func next() -> UInt64 { draw() }

    /// That many bytes.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            let word = next()
            for shift in stride(from: UInt64(0), to: 64, by: 8) where bytes.count < count {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return bytes
    }
}

/// Bits of the system's that nobody has used yet: a system call for each eight bytes would cost more than their use.
private final class SystemReserve: Sendable {
    /// As much as `getentropy` gives in one call.
    private static let words = 256 / MemoryLayout<UInt64>.size

    private let unused = Mutex<[UInt64]>([])

    func next() -> UInt64 {
        unused.withLock { unused in
            if let word = unused.popLast() { return word }
            unused = [UInt64](unsafeUninitializedCapacity: Self.words) { buffer, count in
                guard getentropy(buffer.baseAddress, Self.words * MemoryLayout<UInt64>.size) == 0 else {
                    preconditionFailure("The system gives no random bits")
                }
                count = Self.words
            }
            return unused.removeLast()
        }
    }
}

private final class SeededState: Sendable {
    private let state: Mutex<UInt64>

    init(_ seed: UInt64) {
        state = Mutex(seed)
    }

    func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }
}
