import Testing
import WitanAccess
import WitanCore

@Suite("Cache of values with dependencies")
struct DependentCacheTests {
    struct Compiled: DependentValue, Equatable {
        let number: Int
        var dependencies: [AccessSubject] = []
    }

    private static func id(_ number: Int) -> ObjectID {
        ObjectID(high: 0, low: UInt64(number))
    }

    /// Different subjects, many of them of the same ids.
    private static let subjects: [AccessSubject] = [1, 2]
        .flatMap { number in
            [
                .user(id(number)), .group(id(number)), .role(id(number)),
                .grant(principal: id(number), object: id(1)), .grant(principal: id(number), object: id(2)),
            ]
        }

    private let history = AccessHistory()

    @Test("A fill is found until something that it depends on changes", arguments: subjects)
    func forgets(subject: AccessSubject) {
        let cache = DependentCache<Int, Compiled>(capacity: 10, history: history)
        #expect(cache.lookup(1) == nil)
        let value = Compiled(number: 1, dependencies: [subject, .user(Self.id(9))])
        cache.fill(cache.beginFill(), for: 1, with: value)
        #expect(cache.lookup(1) == value)
        let reading = cache.beginFill()
        history.record([.user(Self.id(8)), subject, .user(Self.id(7))])
        #expect(cache.lookup(1) == nil)
        cache.fill(reading, for: 1, with: value)
        #expect(cache.lookup(1) == nil, "a fill that was reading brought it back")
        cache.fill(cache.beginFill(), for: 1, with: value)
        #expect(cache.lookup(1) == value, "a change does not hold for what is read after it")
        let statistics = cache.statistics
        #expect(statistics.hits == 2 && statistics.misses == 3)
        #expect(statistics.evictions == 0 && statistics.count == 1)
    }

    @Test("A change that concerns others costs a value neither its place nor a fill", arguments: subjects)
    func keepsUnconcerned(subject: AccessSubject) {
        let cache = DependentCache<Int, Compiled>(capacity: 10, history: history)
        let value = Compiled(number: 1, dependencies: Self.subjects.filter { $0 != subject })
        cache.fill(cache.beginFill(), for: 1, with: value)
        for _ in 0..<100 {
            history.record([subject])
            #expect(cache.lookup(1) == value)
            #expect(cache.lookup(1) == value)
        }
        let statistics = cache.statistics
        #expect(statistics.hits == 200 && statistics.misses == 0 && statistics.count == 1)
    }

    @Test("Caches that share a history all hear of a change, and anything may change at once")
    func sharesHistory() {
        let first = DependentCache<Int, Compiled>(capacity: 10, history: history)
        let second = DependentCache<String, Compiled>(capacity: 10, history: history)
        let value = Compiled(number: 1, dependencies: [.role(Self.id(1))])
        let independent = Compiled(number: 2)
        for change in [{ history.record([.role(Self.id(1))]) }, history.recordAll] {
            first.fill(first.beginFill(), for: 1, with: value)
            second.fill(second.beginFill(), for: "1", with: value)
            first.fill(first.beginFill(), for: 2, with: independent)
            #expect(first.lookup(1) == value && second.lookup("1") == value)
            change()
            #expect(first.lookup(1) == nil && second.lookup("1") == nil)
        }
        #expect(first.lookup(2) == nil)
    }

    @Test("A newer fill replaces an older one, never the other way round")
    func keepsNewest() {
        let cache = DependentCache<Int, Compiled>(capacity: 10, history: history)
        let older = cache.beginFill()
        history.record([.user(Self.id(1))])
        let newer = cache.beginFill()
        cache.fill(newer, for: 1, with: Compiled(number: 2))
        cache.fill(older, for: 1, with: Compiled(number: 1))
        #expect(cache.lookup(1)?.number == 2)
        history.record([.user(Self.id(1))])
        cache.fill(cache.beginFill(), for: 1, with: Compiled(number: 3))
        #expect(cache.lookup(1)?.number == 3)
        #expect(cache.statistics.count == 1)
    }

    @Test("What was read before anything that is still remembered goes, unless it was looked up meanwhile")
    func refusesWhatItCannotTell() {
        let history = AccessHistory(rememberedChanges: 4)
        let cache = DependentCache<Int, Compiled>(capacity: 10, history: history)
        for key in 1...2 {
            cache.fill(cache.beginFill(), for: key, with: Compiled(number: key, dependencies: [.user(Self.id(1))]))
        }
        for number in 2..<6 {
            history.record([.user(Self.id(number))])
        }
        #expect(cache.lookup(1) != nil, "all that changed is still remembered")
        history.record([.user(Self.id(6))])
        #expect(cache.lookup(1) != nil)
        #expect(cache.lookup(2) == nil)
    }

    @Test("A full cache keeps what is used and stays within its capacity", arguments: [8, 1_023, 4_096])
    func evicts(capacity: Int) {
        let cache = DependentCache<Int, Compiled>(capacity: capacity, history: history)
        cache.fill(cache.beginFill(), for: -1, with: Compiled(number: -1))
        for number in 1...4 * capacity {
            #expect(cache.lookup(-1) != nil)
            cache.fill(cache.beginFill(), for: number, with: Compiled(number: number))
            #expect(cache.lookup(-1) != nil, "the one that is always used was evicted")
        }
        let statistics = cache.statistics
        #expect(statistics.count <= capacity)
        #expect(statistics.count > capacity / 2)
        #expect(statistics.evictions == 4 * capacity + 1 - statistics.count)
    }

    @Test("A value in the place of one that was used does not count as used itself")
    func startsUnused() {
        let cache = DependentCache<Int, Compiled>(capacity: 2, history: history)
        for key in 1...2 {
            cache.fill(cache.beginFill(), for: key, with: Compiled(number: key, dependencies: [.role(Self.id(key))]))
        }
        #expect(cache.lookup(1) != nil)
        history.record([.role(Self.id(1))])
        #expect(cache.lookup(1) == nil)
        for key in 3...4 {
            cache.fill(cache.beginFill(), for: key, with: Compiled(number: key))
        }
        #expect(cache.lookup(2) != nil && cache.lookup(3) == nil && cache.lookup(4) != nil)
    }

    // MARK: Any interleaving

    /// A fill, under way or done, with how many changes there had been when it began.
    private struct Fill {
        let key: Int
        let value: Compiled
        let changes: Int
    }

    private enum Change {
        case subject(AccessSubject), all

        func concerns(_ value: Compiled) -> Bool {
            switch self {
            case .subject(let subject): value.dependencies.contains(subject)
            case .all: true
            }
        }
    }

    /// The cache as one would write it with all the memory and time in the world.
    private struct Model {
        private(set) var fills: [Int: Fill] = [:]
        var log: [Change] = []

        func isOutdated(_ fill: Fill) -> Bool {
            log[fill.changes...].contains { $0.concerns(fill.value) }
        }

        /// What a cache that forgets nothing answers.
        mutating func lookup(_ key: Int) -> Compiled? {
            guard let fill = fills[key] else { return nil }
            fills[key] = isOutdated(fill) ? nil : Fill(key: key, value: fill.value, changes: log.count)
            return fills[key]?.value
        }

        mutating func keep(_ fill: Fill) {
            if let present = fills[fill.key], present.changes > fill.changes { return }
            fills[fill.key] = fill
        }
    }

    @Test(
        "Whatever the interleaving, nothing is served after a change of what it depends on",
        arguments: [(1_000, 100_000), (1_000, 3), (7, 100_000), (5, 2), (1, 1)],
        Seeds.few
    )
    func matchesModel(sizes: (capacity: Int, remembered: Int), seed: UInt64) {
        var random = RandomSource.seeded(seed)
        let history = AccessHistory(rememberedChanges: sizes.remembered)
        let cache = DependentCache<Int, Compiled>(capacity: sizes.capacity, history: history)
        let isExact = sizes.capacity == 1_000 && sizes.remembered == 100_000
        var model = Model()
        /// All that began, by the number of its value, and those of them that are under way.
        var fills: [Fill] = []
        var readings: [(token: FillToken, fill: Fill)] = []
        var hits = 0
        var misses = 0
        var outdated = 0
        for _ in 0..<10_000 {
            let key = Int.random(in: 0..<20, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<50:
                let found = cache.lookup(key)
                let expected = model.lookup(key)
                #expect(!isExact || found == expected)
                guard let found else {
                    misses += 1
                    continue
                }
                hits += 1
                let fill = fills[found.number]
                #expect(fill.key == key && fill.value == found)
                #expect(!model.isOutdated(fill), "served what had changed")
            case 50..<70:
                let dependencies = Self.subjects.shuffled(using: &random).prefix(.random(in: 0...4, using: &random))
                let value = Compiled(number: fills.count, dependencies: Array(dependencies))
                let fill = Fill(key: key, value: value, changes: model.log.count)
                fills.append(fill)
                readings.append((cache.beginFill(), fill))
            case 70..<90:
                guard let index = readings.indices.randomElement(using: &random) else { continue }
                let (token, fill) = readings.remove(at: index)
                if model.isOutdated(fill) { outdated += 1 }
                cache.fill(token, for: fill.key, with: fill.value)
                model.keep(fill)
            case 90..<99:
                let count = Int.random(in: 0...3, using: &random)
                let changed = Self.subjects.shuffled(using: &random).prefix(count)
                history.record(changed)
                model.log += changed.map { .subject($0) }
            default:
                guard Int.random(in: 0..<10, using: &random) == 0 else { continue }
                history.recordAll()
                model.log.append(.all)
            }
            #expect(cache.statistics.count <= sizes.capacity)
            #expect(!isExact || cache.statistics.count == model.fills.count)
        }
        #expect(cache.statistics.hits == hits && cache.statistics.misses == misses)
        #expect(hits > 0 && outdated > 0, "the schedule tried nothing")
        #expect((cache.statistics.evictions > 0) == (sizes.capacity < 20))
    }
}
