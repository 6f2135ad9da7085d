import Testing
import WitanAccess
import WitanCore

@Suite("Rate limits as settings")
struct RateLimitParsingTests {
    @Test(
        "A limit is read",
        arguments: [
            ("1000/s", RateLimit(perSecond: 1_000, burst: 1_000)),
            ("1000/s burst 2000", RateLimit(perSecond: 1_000, burst: 2_000)),
            ("60/m", RateLimit(60, per: .minute, burst: 60)),
            (" 1/m  burst  10000000 ", RateLimit(1, per: .minute, burst: 10_000_000)),
            ("off", nil),
        ]
    )
    func parses(text: String, expected: RateLimit?) throws {
        let limit = try RateLimit.parse(text)
        #expect(limit == expected)
        if let limit {
            #expect(try RateLimit.parse("\(limit)") == limit)
        }
    }

    @Test(
        "Anything else is refused, and not repeated",
        arguments: [
            "", "1000", "1000/h", "1000/", "/s", "0/s", "-1/s", "+1/s", "10000001/s", "1/s burst", "1/s burst 0",
            "1/s burst 10000001", "1/s 5", "1/s burst 1 2", "off off", "OFF", "1 /s", "1/s/m", "99999999999999999999/s",
            "1.5/s", "1e3/s", "1_000/s",
        ]
    )
    func refuses(text: String) {
        let failure = #expect(throws: Failure.self) { try RateLimit.parse(text) }
        #expect(failure?.code == .invalidRequest)
        #expect(text.count < 7 || failure?.message.contains(text) == false)
    }
}
