import Synchronization
package import WitanCore

/// Random bits for trace and span ids, made without a system call and without a lock.
///
/// On Linux the system's generator costs a system call for each eight bytes, three of them a request. This one is
/// SipHash-2-4 under a random key over a counter: who does not know the key can't tell its output from chance, nor
/// foretell the next id from those seen. Ids are no secrets all the same; keys and tokens come from `RandomSource.system`.
package final class TraceIDGenerator: RandomNumberGenerator, Sendable {
    private let hash: SipHash
    private let counter = Atomic<UInt64>(0)

    /// Draws the key.
    package init(seededFrom random: RandomSource) {
        var random = random
        hash = SipHash(key: (random.next(), random.next()))
    }

    /// The next 64 bits; safe to call from any thread.
    package func next() -> UInt64 {
        hash(counter.wrappingAdd(1, ordering: .relaxed).oldValue)
    }
}

/// SipHash-2-4 of one eight-byte message (Aumasson and Bernstein, 2012).
struct SipHash: Sendable {
    private let key: (UInt64, UInt64)

    init(key: (UInt64, UInt64)) {
        self.key = key
    }

    func callAsFunction(_ message: UInt64) -> UInt64 {
        var state = State(
            v0: key.0 ^ 0x736F_6D65_7073_6575,
            v1: key.1 ^ 0x646F_7261_6E64_6F6D,
            v2: key.0 ^ 0x6C79_6765_6E65_7261,
            v3: key.1 ^ 0x7465_6462_7974_6573
        )
        state.absorb(message)
        // The last block holds the message's length, eight, in its upper byte.
        state.absorb(8 << 56)
        state.v2 ^= 0xFF
        for _ in 0..<4 { state.round() }
        return state.v0 ^ state.v1 ^ state.v2 ^ state.v3
    }

    private struct State {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        mutating func absorb(_ block: UInt64) {
            v3 ^= block
            round()
            round()
            v0 ^= block
        }

        mutating func round() {
            v0 &+= v1
            v2 &+= v3
            v1 = rotated(v1, 13) ^ v0
            v3 = rotated(v3, 16) ^ v2
            v0 = rotated(v0, 32)
            v2 &+= v1
            v0 &+= v3
            v1 = rotated(v1, 17) ^ v2
            v3 = rotated(v3, 21) ^ v0
            v2 = rotated(v2, 32)
        }

        private func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 {
            value &<< bits | value &>> (64 - bits)
        }
    }
}
