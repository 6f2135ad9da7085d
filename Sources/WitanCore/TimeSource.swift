#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The clock that the server reads, given to whatever needs the time so that tests can set it.
package struct TimeSource: Sendable {
    /// The wall clock: for what is stored and shown.
    package let now: @Sendable () -> Timestamp

    /// Nanoseconds since some fixed moment, never going back: for durations and deadlines.
    package let monotonic: @Sendable () -> Int64

    /// Nanoseconds since the machine was started, never going back, and counted while it sleeps too.
    package let sinceBoot: @Sendable () -> Int64

    /// Takes a wall clock and a monotonic clock in nanoseconds, and one that counts sleep where there is another.
    package init(
        now: @escaping @Sendable () -> Timestamp,
        monotonic: @escaping @Sendable () -> Int64,
        sinceBoot: (@Sendable () -> Int64)? = nil
    ) {
        self.now = now
        self.monotonic = monotonic
        self.sinceBoot = sinceBoot ?? monotonic
    }

    /// Both clocks that a lease is held by.
    package func reading() -> ClockReading {
        ClockReading(sinceBoot: sinceBoot(), wall: now().microseconds &* 1_000)
    }

    /// The machine's clocks.
    package static let system = TimeSource(
        now: {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
        },
        monotonic: {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        },
        sinceBoot: {
            var time = timespec()
            #if os(Linux)
            clock_gettime(CLOCK_BOOTTIME, &time)
            #else
            // On Darwin this one counts sleep.
            clock_gettime(CLOCK_MONOTONIC, &time)
            #endif
            return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        }
    )
}
