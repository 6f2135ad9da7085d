import Synchronization
import Testing
import WitanCluster
import WitanCore
import WitanTesting

@Suite("The lease that look-ups ask")
struct CacheLeaseTests {
    private static func lease(of clock: FakeClock) -> Lease {
        Lease(sent: clock.source.reading(), duration: .milliseconds(900))
    }

    @Test("without one a look-up finds nothing, and is not even made")
    func unheld() {
        let lease = CacheLease(time: FakeClock().source)
        var lookups = 0
        let found = lease.guarding { () -> Int? in
            lookups += 1
            return 1
        }
        #expect(found == nil)
        #expect(lookups == 0)
    }

    @Test("it ends by itself, and with the next one look-ups find again")
    func ends() {
        let clock = FakeClock()
        let lease = CacheLease(time: clock.source)
        lease.set(Self.lease(of: clock))
        #expect(lease.guarding { 1 } == 1)
        #expect(lease.guarding { nil as Int? } == nil)
        clock.advance(by: .milliseconds(899))
        #expect(lease.guarding { 1 } == 1)
        clock.advance(by: .milliseconds(1))
        #expect(lease.guarding { 1 } == nil)
        lease.set(Self.lease(of: clock))
        #expect(lease.guarding { 1 } == 1)
        lease.set(nil)
        #expect(lease.guarding { 1 } == nil)
    }

    @Test("it ends though one of the clocks stands still", arguments: FakeClock.Hand.allCases)
    func stoppedClock(_ hand: FakeClock.Hand) {
        let clock = FakeClock()
        let lease = CacheLease(time: clock.source)
        lease.set(Self.lease(of: clock))
        clock.stop(hand)
        clock.advance(by: .milliseconds(899))
        #expect(lease.guarding { 1 } == 1)
        clock.advance(by: .milliseconds(1))
        #expect(lease.guarding { 1 } == nil)
    }

    @Test("what was stopped between the look-up and its use does not use it")
    func stoppedProcess() {
        let clock = FakeClock()
        let lease = CacheLease(time: clock.source)
        lease.set(Self.lease(of: clock))
        let found = lease.guarding { () -> Int? in
            clock.advance(by: .seconds(5))
            return 1
        }
        #expect(found == nil)
    }

    @Test("a lease that comes during a look-up does not make good what the look-up has found")
    func renewedMeanwhile() {
        let clock = FakeClock()
        let lease = CacheLease(time: clock.source)
        lease.set(Self.lease(of: clock))
        clock.advance(by: .seconds(1))
        let found = lease.guarding { () -> Int? in
            lease.set(Self.lease(of: clock))
            return 1
        }
        #expect(found == nil)
    }

    @Test("a process that is alone always holds it")
    func perpetual() {
        #expect(CacheLease.perpetual.guarding { 1 } == 1)
    }

    /// What the threads of a test count together.
    private final class Tally: Sendable {
        let seen = Atomic(0)
        let mixed = Atomic(0)
        let isOver = Atomic(false)
    }

    @Test("threads that read it while it is replaced see the ends of one lease, never of two")
    func threads() async {
        let lease = CacheLease(time: FakeClock().source)
        let tally = Tally()
        await withTaskGroup { group in
            for _ in 0..<2 {
                group.addTask {
                    while !tally.isOver.load(ordering: .acquiring) {
                        for _ in 0..<1_000 { Self.look(at: lease, tally) }
                        // There may be fewer threads than tasks.
                        await Task.yield()
                    }
                }
            }
            group.addTask {
                for round: Int64 in 0..<100_000 {
                    let end = Int64(1) << (round % 40)
                    lease.set(Lease(sent: ClockReading(sinceBoot: end, wall: end), duration: .zero))
                    if round.isMultiple(of: 1_000) { await Task.yield() }
                }
                tally.isOver.store(true, ordering: .releasing)
            }
        }
        #expect(tally.mixed.load(ordering: .relaxed) == 0)
        #expect(tally.seen.load(ordering: .relaxed) > 0)
    }

    /// Both ends of each lease are the same power of two, which each clock alone can tell.
    private static func look(at lease: CacheLease, _ tally: Tally) {
        guard let terms = lease.terms() else { return }
        tally.seen.add(1, ordering: .relaxed)
        let isMixed = (0..<40)
            .contains { bit in
                let end = Int64(1) << bit
                let boot = terms.isHeld(at: ClockReading(sinceBoot: end, wall: .min))
                return boot != terms.isHeld(at: ClockReading(sinceBoot: .min, wall: end))
            }
        if isMixed { tally.mixed.add(1, ordering: .relaxed) }
    }
}
