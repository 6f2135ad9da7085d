import Testing
import WitanCore

@Suite("Timestamps and their text")
struct TimestampTests {
    @Test(
        "a moment has one text, and the text gives the moment back",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (1, "1970-01-01T00:00:00.001Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (-86_400_000, "1969-12-31T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (1_762_916_307_365, "2025-11-12T02:58:27.365Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-2_203_977_600_000, "1900-02-28T00:00:00.000Z"),
            (-2_203_891_200_000, "1900-03-01T00:00:00.000Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (-62_162_121_600_000, "0000-02-29T00:00:00.000Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)]
    )
    func text(_ milliseconds: Int64, _ text: String) {
        let moment = Timestamp(microseconds: milliseconds * 1_000)
        #expect(moment.rfc3339 == text)
        #expect(Timestamp(rfc3339: text) == moment)
    }

    @Test("every day of eight centuries has the text of the day after the one before")
    func calendar() {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var (year, month, day) = (1_600, 1, 1)
        for number in -135_140..<157_054 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let expected = "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)T00:00:00.000Z"
            let moment = Timestamp(seconds: Int64(number) * 86_400)
            guard moment.rfc3339 == expected, Timestamp(rfc3339: expected) == moment else {
                Issue.record("day \(number): \(moment.rfc3339) is not \(expected)")
                return
            }
            day += 1
            if day > lengths[month - 1] + (month == 2 && isLeap ? 1 : 0) { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        #expect((year, month, day) == (2400, 1, 1))
    }

    @Test(
        "fractions and offsets of RFC 3339 are read, what is beyond microseconds is cut off",
        arguments: [
            ("2026-01-31T12:00:00Z", 0), ("2026-01-31t12:00:00z", 0), ("2026-01-31 12:00:00Z", 0),
            ("2026-01-31T12:00:00.5Z", 500_000), ("2026-01-31T12:00:00.000001Z", 1),
            ("2026-01-31T12:00:00.9999999999Z", 999_999),
            ("2026-01-31T12:00:00+00:00", 0), ("2026-01-31T12:00:00-00:00", 0), ("2026-01-31T13:30:00+01:30", 0),
            ("2026-01-31T00:00:00-12:00", 0), ("2026-02-01T11:59:00+23:59", 0),
            ("2026-01-31T11:59:59.25-00:00", -750_000),
        ] as [(String, Int64)]
    )
    func reading(_ text: String, _ microseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.microseconds == 1_769_860_800_000_000 + microseconds)
    }

    @Test(
        "what is no time of RFC 3339 is refused",
        arguments: [
            "", "2026", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00Z", "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00ZZ", " 2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z ", "2026-00-10T00:00:00Z",
            "2026-13-10T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-04-31T00:00:00Z",
            "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-02-30T00:00:00Z", "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z", "2026-01-31T12:00:60Z", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+01:60",
            "2026-01-31T12:00:00+0100", "2026-01-31T12:00:00 01:00", "+2026-01-31T12:00:00Z", "-001-01-31T12:00:00Z",
            "12026-01-31T12:00:00Z", "2026/01/31T12:00:00Z", "2026-1-31T12:00:00Z", "２026-01-31T12:00:00Z",
            "2026-01-31T12:00:00,5Z", "2026-01-31\u{0}12:00:00Z",
        ]
    )
    func refused(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test(
        "seconds and milliseconds are rounded down, before 1970 too",
        arguments: [
            (0, 0, 0), (1, 0, 0), (999_999, 0, 999_000), (1_000_000, 1, 1_000_000), (-1, -1, -1_000),
            (-1_000, -1, -1_000), (-1_000_000, -1, -1_000_000), (-1_000_001, -2, -1_001_000),
        ] as [(Int64, Int64, Int64)]
    )
    func rounding(_ microseconds: Int64, _ seconds: Int64, _ truncated: Int64) {
        let moment = Timestamp(microseconds: microseconds)
        #expect(moment.seconds == seconds)
        #expect(moment.truncatedToMilliseconds.microseconds == truncated)
    }

    @Test("a moment moves by a duration in both directions")
    func advancing() {
        let moment = Timestamp(seconds: 100)
        #expect(moment.advanced(by: .seconds(5)) == Timestamp(seconds: 105))
        #expect(moment.advanced(by: .milliseconds(-100_500)).microseconds == -500_000)
        #expect(moment.advanced(by: .nanoseconds(1_999)).microseconds == 100_000_001)
        #expect(moment < moment.advanced(by: .microseconds(1)))
    }
}
