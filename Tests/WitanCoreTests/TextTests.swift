import Testing
import WitanCore

@Suite("Small texts")
struct TextTests {
    @Test(
        "bytes and hexadecimal digits give each other",
        arguments: [
            ([], ""), ([0], "00"), ([0x0F, 0xF0], "0ff0"), ([0xDE, 0xAD, 0xBE, 0xEF], "deadbeef"),
        ] as [([UInt8], String)]
    )
    func hex(_ bytes: [UInt8], _ text: String) {
        #expect(bytes.hex == text)
        #expect([UInt8](hex: text) == bytes)
        #expect([UInt8](hex: text.uppercased()) == bytes)
    }

    @Test("every byte has two digits of its own")
    func allBytes() {
        let bytes = Array(UInt8.min...UInt8.max)
        #expect([UInt8](hex: bytes.hex) == bytes)
        #expect(Set(bytes.map { [$0].hex }).count == 256)
    }

    @Test(
        "what are no hexadecimal digits is refused",
        arguments: ["0", "abc", "0g", "-1", " 00", "0x00", "００", "\u{0}0"]
    )
    func noHex(_ text: String) {
        #expect([UInt8](hex: text) == nil)
    }

    @Test(
        "the nearest name is the one that was most likely meant, and none when nothing is near",
        arguments: [
            ("nmae", "name"), ("Name", "name"), ("orgname", "org_name"), ("org_nam", "org_name"), ("limt", "limit"),
            ("name", "name"), ("completely different", nil), ("", nil),
        ] as [(String, String?)]
    )
    func nearest(_ text: String, _ expected: String?) {
        #expect(nearestName(to: text, among: ["name", "org_name", "org_id", "limit"]) == expected)
        #expect(nearestName(to: text, among: []) == nil)
    }

    @Test("a failure's text is its sentence and never its cause")
    func failure() {
        struct Cause: Error { let secret = "sk-secret" }
        let failure = Failure(.unavailable, "Try again.", underlying: Cause())
        #expect("\(failure)" == "unavailable: Try again.")
        let issues = [
            Failure.Issue(path: ["a", "b"], message: "is wrong"), Failure.Issue(path: ["c"], message: "too"),
        ]
        #expect(Failure(invalid: issues).message == "a.b is wrong; c too.")
        #expect(Failure(invalid: issues).issues == issues)
    }

    @Test("a seed gives the same bits each time, another seed others")
    func random() {
        func bytes(_ seed: UInt64) -> [UInt8] {
            var random = RandomSource.seeded(seed)
            return random.bytes(37)
        }
        #expect(bytes(1) == bytes(1))
        #expect(bytes(1) != bytes(2))
        #expect(bytes(1).count == 37)
        // A copy draws from the same stream, so that no two holders get the same bits.
        var first = RandomSource.seeded(1)
        var second = first
        #expect(first.next() != second.next())
    }

    @Test("the machine's monotonic clock never goes back, and its wall clock is past 2025")
    func systemClock() {
        let readings = (0..<1_000).map { _ in TimeSource.system.monotonic() }
        #expect(zip(readings, readings.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(TimeSource.system.now() > Timestamp(seconds: 1_735_689_600))
    }
}
