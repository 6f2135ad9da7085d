import Synchronization
import Testing
import WitanCore

@Suite("Generated ids")
struct ObjectIDGeneratorTests {
    @Test("an id is a UUID of version 7 that begins with the clock's milliseconds")
    func form() {
        let generator = ObjectIDGenerator(time: Self.clock { 0x0123_4567_89AB }, random: .seeded(1))
        let text = generator.next().description
        #expect(text.hasPrefix("01234567-89ab-7"))
        #expect(["8", "9", "a", "b"].contains(text[text.index(text.startIndex, offsetBy: 19)]))
    }

    @Test(
        "each id is greater than the one before, whatever the clock does",
        arguments: [
            [0], [0, 1], [5, 4, 3, 2, 1, 0], [0, 0, 0, 7, 3, 7, 8], [1_000, 0],
        ] as [[Int64]]
    )
    func monotonic(_ steps: [Int64]) {
        let calls = Mutex(0)
        let time = TimeSource(
            now: {
                let call = calls.withLock { calls in
                    defer { calls += 1 }
                    return calls
                }
                return Timestamp(microseconds: (1_769_860_800_000 + steps[call % steps.count]) * 1_000)
            },
            monotonic: { 0 }
        )
        let generator = ObjectIDGenerator(time: time, random: .seeded(2))
        // More than the counter of one millisecond holds.
        let ids = (0..<20_000).map { _ in generator.next() }
        #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test("ids made by many tasks at once are all different, and each task's own go up")
    func concurrent() async {
        let generator = ObjectIDGenerator(time: Self.clock { 1_769_860_800_000 }, random: .seeded(3))
        let runs = await withTaskGroup(of: [ObjectID].self) { group in
            for _ in 1...8 { group.addTask { (0..<2_000).map { _ in generator.next() } } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(runs.allSatisfy { run in zip(run, run.dropFirst()).allSatisfy { $0 < $1 } })
        #expect(Set(runs.joined()).count == 16_000)
    }

    @Test("a clock before 1970 counts as 1970")
    func negativeClock() {
        let generator = ObjectIDGenerator(time: Self.clock { -5_000 }, random: .seeded(4))
        let first = generator.next()
        #expect(first.high >> 16 <= 1)
        #expect(first < generator.next())
    }

    private static func clock(_ milliseconds: @escaping @Sendable () -> Int64) -> TimeSource {
        TimeSource(now: { Timestamp(microseconds: milliseconds() * 1_000) }, monotonic: { 0 })
    }
}
