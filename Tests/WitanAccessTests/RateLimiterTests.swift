import Testing
import WitanAccess
import WitanCore

@Suite("Rate limiter")
struct RateLimiterTests {
    /// A bucket that fills with time, one nanosecond's worth after the other: the other way to say the same.
    private struct Bucket {
        let interval: Int64
        let window: Int64
        private(set) var credit: Int64
        private var filledAt: Int64 = 0

        init(_ limit: RateLimit, parts: Int = 1) {
            let period: Int64 = limit.period == .second ? 1_000_000_000 : 60_000_000_000
            let whole = period / Int64(limit.events) + (period % Int64(limit.events) == 0 ? 0 : 1)
            interval = whole * Int64(parts)
            window = max(whole * Int64(limit.burst), interval)
            credit = window
        }

        mutating func fill(until now: Int64) {
            credit = min(window, credit + now - filledAt)
            filledAt = now
        }

        mutating func take() -> Bool {
            guard credit >= interval else { return false }
            credit -= interval
            return true
        }

        mutating func charge() {
            credit = max(0, credit - interval)
        }
    }

    private static let limits = [
        RateLimit(perSecond: 1, burst: 1), RateLimit(perSecond: 3, burst: 5), RateLimit(perSecond: 10, burst: 50),
        RateLimit(perSecond: 1_000, burst: 2_000), RateLimit(7, per: .minute, burst: 2),
        RateLimit(perSecond: 10_000_000, burst: 10),
    ]

    @Test("It agrees with a bucket that fills with time, whatever the schedule", arguments: limits, Seeds.few)
    func matchesBucket(limit: RateLimit, seed: UInt64) {
        var random = RandomSource.seeded(seed)
        let clock = ManualClock()
        let limiter = RateLimiter<Int>(limit: limit, capacity: 100, time: clock.source)
        var buckets = [Int: Bucket]()
        for _ in 0..<5_000 {
            let key = Int.random(in: 0..<4, using: &random)
            var bucket = buckets[key] ?? Bucket(limit)
            bucket.fill(until: clock.now)
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                limiter.record(key)
                bucket.charge()
            case 1...2:
                let decision = limiter.peek(key)
                #expect(decision.isAllowed == (bucket.credit >= bucket.interval))
                #expect(decision.remaining == Int(bucket.credit / bucket.interval))
                #expect(decision.resetAfter == .nanoseconds(bucket.window - bucket.credit))
            default:
                let decision = limiter.take(key)
                let isAllowed = bucket.take()
                #expect(decision.isAllowed == isAllowed)
                #expect(decision.remaining == Int(bucket.credit / bucket.interval))
                #expect(decision.resetAfter == .nanoseconds(bucket.window - bucket.credit))
                #expect(decision.retryAfter == (isAllowed ? .zero : .nanoseconds(bucket.interval - bucket.credit)))
            }
            buckets[key] = bucket
            switch Int.random(in: 0..<8, using: &random) {
            case 0: clock.advance(by: Int64.random(in: 0...bucket.window, using: &random))
            case 1...3: clock.advance(by: Int64.random(in: 0...bucket.interval, using: &random))
            default: break
            }
        }
    }

    @Test(
        "It agrees with a bucket of its part of the limit, when several servers share it",
        arguments: limits,
        [1, 2, 3, 7]
    )
    func matchesPart(limit: RateLimit, nodes: Int) {
        var random = RandomSource.seeded(UInt64(nodes))
        let clock = ManualClock()
        let share = RateLimitShare()
        share.set(nodes: nodes)
        let limiter = RateLimiter<Int>(limit: limit, share: share, capacity: 100, time: clock.source)
        var bucket = Bucket(limit, parts: nodes)
        for _ in 0..<2_000 {
            bucket.fill(until: clock.now)
            let decision = limiter.take(1)
            let isAllowed = bucket.take()
            #expect(decision.isAllowed == isAllowed)
            #expect(decision.remaining == Int(bucket.credit / bucket.interval))
            #expect(decision.retryAfter == (isAllowed ? .zero : .nanoseconds(bucket.interval - bucket.credit)))
            clock.advance(by: Int64.random(in: 0...2 * bucket.interval, using: &random))
        }
    }

    @Test("All parts together let as much through as the limit, and each lets at least one event through at a time")
    func parts() {
        let clock = ManualClock()
        let limit = RateLimit(perSecond: 100, burst: 20)
        func allowed(_ nodes: Int, seconds: Int) -> Int {
            let limiters = (0..<nodes)
                .map { _ in
                    let share = RateLimitShare()
                    share.set(nodes: nodes)
                    return RateLimiter<Int>(limit: limit, share: share, capacity: 10, time: clock.source)
                }
            var allowed = 0
            for _ in 0..<seconds * 1_000 {
                for limiter in limiters where limiter.take(1).isAllowed { allowed += 1 }
                clock.advance(by: 1_000_000)
            }
            return allowed
        }
        let alone = allowed(1, seconds: 10)
        #expect((1_000...1_020).contains(alone))
        for nodes in [2, 4, 5] { #expect(abs(allowed(nodes, seconds: 10) - alone) <= nodes) }
        #expect(
            (1_000...1_060).contains(allowed(50, seconds: 10)),
            "one event at a time is more than a fiftieth of the burst"
        )
    }

    @Test("A share changes from one event to the next, and is never nothing")
    func changingShare() {
        let clock = ManualClock()
        let share = RateLimitShare()
        let limiter = RateLimiter<Int>(
            limit: RateLimit(perSecond: 10, burst: 10),
            share: share,
            capacity: 10,
            time: clock.source
        )
        #expect(limiter.take(1).remaining == 9)
        share.set(nodes: 3)
        #expect(limiter.peek(1).remaining == 3)
        share.set(nodes: 0)
        #expect(share.nodes == 1)
        #expect(limiter.peek(1).remaining == 9)
        share.set(nodes: .max)
        #expect(limiter.peek(2).isAllowed)
    }

    @Test("Retry-After is exact: a nanosecond before is too early", arguments: limits)
    func retriesExactly(limit: RateLimit) {
        let clock = ManualClock(startingAt: 123_456_789)
        let limiter = RateLimiter<String>(limit: limit, capacity: 10, time: clock.source)
        for _ in 0..<limit.burst {
            #expect(limiter.take("key").isAllowed)
        }
        for _ in 0..<5 {
            let refusal = limiter.take("key")
            #expect(!refusal.isAllowed)
            #expect(refusal.retryAfter > .zero)
            clock.advance(by: refusal.retryAfter - .nanoseconds(1))
            #expect(limiter.take("key").retryAfter == .nanoseconds(1))
            clock.advance(by: 1)
            #expect(limiter.take("key").isAllowed)
        }
    }

    @Test(
        "The extremes do not overflow, on a machine that has been up for a century",
        arguments: [1, 10_000_000],
        [1, 10_000_000]
    )
    func survivesExtremes(events: Int, burst: Int) {
        for period in RateLimit.Period.allCases {
            let clock = ManualClock(startingAt: 100 * 366 * 86_400 * 1_000_000_000)
            let limit = RateLimit(events, per: period, burst: burst)
            let limiter = RateLimiter<Int>(limit: limit, capacity: 10, time: clock.source)
            let first = limiter.take(1)
            #expect(first.isAllowed)
            #expect(first.remaining == burst - 1)
            limiter.record(1)
            clock.advance(by: limiter.peek(1).resetAfter)
            #expect(limiter.peek(1).remaining == burst)
        }
    }

    @Test("Recording more than the limit makes nobody wait longer than for an emptied burst")
    func boundsDebt() {
        let clock = ManualClock()
        let limiter = RateLimiter<Int>(limit: RateLimit(perSecond: 10, burst: 5), capacity: 10, time: clock.source)
        for _ in 0..<100 {
            limiter.record(1)
        }
        #expect(limiter.peek(1).retryAfter == .milliseconds(100))
        #expect(limiter.peek(1).resetAfter == .milliseconds(500))
    }

    @Test("Peeking counts nothing")
    func peeksFreely() {
        let limiter = RateLimiter<Int>(
            limit: RateLimit(perSecond: 1, burst: 1),
            capacity: 10,
            time: ManualClock().source
        )
        for _ in 0..<10 {
            #expect(limiter.peek(1).isAllowed)
        }
        #expect(limiter.count == 0)
        #expect(limiter.take(1).isAllowed)
        #expect(!limiter.peek(1).isAllowed)
    }

    @Test("The headers say what remains, and when to come back")
    func writesHeaders() {
        let clock = ManualClock()
        let limit = RateLimit(perSecond: 1_000, burst: 1_000)
        let limiter = RateLimiter<Int>(limit: limit, capacity: 10, time: clock.source)
        let first = limiter.take(1)
        #expect(first.policyHeader == #""default";q=1000;w=1"#)
        #expect(first.rateLimitHeader == #""default";r=999;t=1"#)
        #expect(first.retryAfterHeader == nil)
        clock.advance(by: 1_000_000)
        #expect(limiter.peek(1).rateLimitHeader == #""default";r=1000;t=0"#)

        let slow = RateLimiter<Int>(
            limit: RateLimit(2, per: .minute, burst: 3),
            capacity: 10,
            time: clock.source,
            name: "organization"
        )
        for _ in 0..<3 {
            #expect(slow.take(1).isAllowed)
        }
        #expect(slow.take(1).policyHeader == #""organization";q=3;w=90"#)
        #expect(slow.take(1).rateLimitHeader == #""organization";r=0;t=90"#)
        #expect(slow.take(1).retryAfterHeader == "30")
        clock.advance(by: 1)
        #expect(slow.take(1).retryAfterHeader == "30")
        clock.advance(by: 29_999_999_998)
        #expect(slow.take(1).retryAfterHeader == "1")
    }

    @Test("Without a limit everything is allowed and nothing is remembered or said")
    func isOff() {
        let limiter = RateLimiter<Int>(limit: nil, capacity: 10, time: ManualClock().source)
        limiter.record(1)
        for decision in [limiter.take(1), limiter.peek(1)] {
            #expect(decision.isAllowed)
            #expect(decision.policyHeader == nil && decision.rateLimitHeader == nil)
            #expect(decision.retryAfterHeader == nil)
        }
        #expect(limiter.count == 0)
    }

    @Test("A flood of keys displaces its own, never one that is near its limit", arguments: [64, 1_024, 4_096])
    func survivesFlood(capacity: Int) {
        let clock = ManualClock()
        let limiter = RateLimiter<Int>(
            limit: RateLimit(perSecond: 1, burst: 5),
            capacity: capacity,
            time: clock.source
        )
        for _ in 0..<5 {
            #expect(limiter.take(-1).isAllowed)
        }
        for key in 0..<20 * capacity {
            #expect(limiter.take(key).isAllowed)
        }
        #expect(limiter.count <= capacity)
        #expect(limiter.count > capacity / 2)
        #expect(!limiter.take(-1).isAllowed, "the flood let an exhausted key go on")
        for _ in 0..<5 {
            #expect(limiter.take(-2).isAllowed)
        }
        #expect(!limiter.take(-2).isAllowed, "a new key is not limited while the map is full")
    }

    @Test("A flood does not wash out a key that it goes on using")
    func limitsDuringFlood() {
        let limiter = RateLimiter<Int>(
            limit: RateLimit(perSecond: 1, burst: 5),
            capacity: 64,
            time: ManualClock().source
        )
        var allowed = 0
        for key in 0..<10_000 {
            #expect(limiter.take(key).isAllowed)
            if limiter.take(-1).isAllowed { allowed += 1 }
        }
        #expect(allowed == 5)
    }

    @Test("Keys whose time has passed make room before the map grows")
    func reusesPassedEntries() {
        let clock = ManualClock()
        let limiter = RateLimiter<Int>(limit: RateLimit(perSecond: 1, burst: 1), capacity: 64, time: clock.source)
        for key in 0..<1_000 {
            #expect(limiter.take(key).isAllowed)
            clock.advance(by: .seconds(1))
        }
        #expect(limiter.count == 1)
    }

    @Test("Callers at the same moment share one limit")
    func isExactUnderConcurrency() async {
        let limiter = RateLimiter<Int>(
            limit: RateLimit(perSecond: 1, burst: 500),
            capacity: 10,
            time: ManualClock().source
        )
        let allowed = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<1_000).count { _ in limiter.take(1).isAllowed }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(allowed == 500)
    }
}
