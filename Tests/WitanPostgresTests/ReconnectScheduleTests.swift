import Testing
import WitanCore

@testable import WitanPostgres

@Suite("When a database that was away is tried again")
struct ReconnectScheduleTests {
    private static let reason = Failure(.unavailable, "away", retryAfter: .seconds(1))

    private static func mayTry(_ schedule: inout ReconnectSchedule, at now: Int64) -> ReconnectSchedule.Attempt? {
        do throws(Failure) {
            return try schedule.begin(at: now)
        } catch {
            #expect(error.message == reason.message)
            return nil
        }
    }

    @Test("while nothing has failed everybody may connect at once")
    func atFirst() {
        var schedule = ReconnectSchedule()
        for _ in 1...100 { #expect(Self.mayTry(&schedule, at: 0) != nil) }
    }

    @Test("those who fail together are one failure, and one of them tries again")
    func together() {
        var schedule = ReconnectSchedule()
        var random = RandomSource.seeded(1)
        let attempts = (1...16).compactMap { _ in Self.mayTry(&schedule, at: 0) }
        for attempt in attempts { schedule.failed(attempt, Self.reason, at: 0, using: &random) }
        #expect(Self.mayTry(&schedule, at: 24_999_999) == nil)
        // At most the shortest wait, as after one failure.
        #expect(Self.mayTry(&schedule, at: 50_000_000) != nil)
        #expect(Self.mayTry(&schedule, at: 50_000_000) == nil)
        #expect(Self.mayTry(&schedule, at: 60_000_000_000) == nil)
    }

    @Test("a success lets everybody connect, whatever those tell who began before it")
    func success() {
        var schedule = ReconnectSchedule()
        var random = RandomSource.seeded(1)
        let attempts = (1...3).compactMap { _ in Self.mayTry(&schedule, at: 0) }
        schedule.failed(attempts[0], Self.reason, at: 0, using: &random)
        schedule.succeeded()
        schedule.failed(attempts[2], Self.reason, at: 0, using: &random)
        for _ in 1...100 { #expect(Self.mayTry(&schedule, at: 0) != nil) }
    }

    @Test("in an outage of any length tries are few, one at a time, and never far apart", arguments: Seeds.few)
    func outage(seed: UInt64) {
        var random = RandomSource.seeded(seed)
        for _ in 1...200 {
            var schedule = ReconnectSchedule()
            var now = Int64.random(in: 0...1_000_000_000_000, using: &random)
            let begin = now
            let end = begin + Int64.random(in: 0...120_000_000_000, using: &random)
            var underWay: (attempt: ReconnectSchedule.Attempt, until: Int64)?
            var tries = 1
            var lastEnd = begin
            if let first = Self.mayTry(&schedule, at: now) {
                schedule.failed(first, Self.reason, at: now, using: &random)
            }
            // Callers come again and again while each try takes its time.
            while now < end {
                now += Int64.random(in: 0...20_000_000, using: &random)
                if let current = underWay, now >= current.until {
                    schedule.failed(current.attempt, Self.reason, at: now, using: &random)
                    underWay = nil
                    lastEnd = now
                }
                guard let attempt = Self.mayTry(&schedule, at: now) else {
                    // Nobody is kept from trying for more than a second after the last try.
                    #expect(underWay != nil || now - lastEnd <= 1_000_000_000)
                    continue
                }
                #expect(underWay == nil)
                tries += 1
                underWay = (attempt, now + Int64.random(in: 0...100_000_000, using: &random))
            }
            // Six tries until the wait is half a second at least, and then two a second at the most.
            #expect(tries <= 8 + Int((end - begin) / 500_000_000))
            if let current = underWay { schedule.failed(current.attempt, Self.reason, at: now, using: &random) }
            #expect(Self.mayTry(&schedule, at: now + 1_000_000_000) != nil)
            schedule.succeeded()
            #expect(Self.mayTry(&schedule, at: now) != nil)
        }
    }
}
