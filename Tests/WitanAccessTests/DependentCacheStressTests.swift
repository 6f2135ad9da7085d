import Synchronization
import Testing
import WitanAccess
import WitanCore

/// The invariant of the cache with real threads: what is looked up after a change was answered is as new as it.
@Suite("Cache of values with dependencies under threads")
struct DependentCacheStressTests {
    /// What the database says of a key, with how many changes each thing it depends on had seen.
    private struct Row: DependentValue {
        let generations: [Int: Int]

        var dependencies: [AccessSubject] { generations.keys.map(Database.subject) }
    }

    /// A database with its changes, and those of them that were answered to whoever asked for them.
    private struct Database: Sendable {
        var generations = [Int](repeating: 0, count: Self.subjects)
        var answered = [Int](repeating: 0, count: Self.subjects)

        static let keys = 24
        static let subjects = 12

        static func subject(_ number: Int) -> AccessSubject {
            let id = ObjectID(high: 0, low: UInt64(number / 2))
            return number.isMultiple(of: 2) ? .group(id) : .grant(principal: id, object: id)
        }

        /// The numbers of the three subjects that a key depends on.
        static func dependencies(of key: Int) -> [Int] {
            (0..<3).map { (key + $0 * 5) % subjects }
        }

        func row(_ key: Int) -> Row {
            Row(generations: Dictionary(uniqueKeysWithValues: Self.dependencies(of: key).map { ($0, generations[$0]) }))
        }
    }

    private final class World: Sendable {
        let history: AccessHistory
        /// Two that share the history: even keys are in one, odd ones in the other.
        let caches: [DependentCache<Int, Row>]
        let database = Mutex(Database())
        let stale = Atomic(0)
        let isOver = Atomic(false)

        init(capacity: Int, remembered: Int) {
            let history = AccessHistory(rememberedChanges: remembered)
            self.history = history
            caches = (0..<2).map { _ in DependentCache(capacity: capacity, history: history) }
        }

        /// One request after the other, as a server would serve them.
        func read(seed: UInt64, rounds: Int) async {
            var random = RandomSource.seeded(seed)
            for _ in 0..<rounds {
                let key = Int.random(in: 0..<Database.keys, using: &random)
                let cache = caches[key % caches.count]
                let answered = database.withLock(\.answered)
                if let row = cache.lookup(key) {
                    if row.generations.contains(where: { $0.value < answered[$0.key] }) {
                        stale.add(1, ordering: .relaxed)
                    }
                    continue
                }
                let token = cache.beginFill()
                let row = database.withLock { $0.row(key) }
                // Others get to change the database while this one holds what it read.
                await Task.yield()
                cache.fill(token, for: key, with: row)
            }
        }

        /// One change after the other until the readers are done: commit, record, answer.
        func change(seed: UInt64) async {
            var random = RandomSource.seeded(seed)
            while !isOver.load(ordering: .acquiring) {
                let isOfAll = Int.random(in: 0..<100, using: &random) == 0
                let all = Array(0..<Database.subjects)
                let changed =
                    isOfAll ? all : Array(all.shuffled(using: &random).prefix(.random(in: 1...2, using: &random)))
                let generations = database.withLock { database in
                    for number in changed {
                        database.generations[number] += 1
                    }
                    return database.generations
                }
                if isOfAll {
                    history.recordAll()
                } else {
                    history.record(changed.map(Database.subject))
                }
                database.withLock { database in
                    for number in changed {
                        database.answered[number] = max(database.answered[number], generations[number])
                    }
                }
                await Task.yield()
            }
        }
    }

    @Test(
        "No reader sees what was changed before it asked",
        arguments: [(1_000, 4_096), (1_000, 2), (8, 4_096), (8, 2)]
    )
    func staysFresh(capacity: Int, remembered: Int) async {
        let world = World(capacity: capacity, remembered: remembered)
        await withTaskGroup(of: Void.self) { group in
            for seed in 1...2 {
                group.addTask { await world.change(seed: UInt64(seed)) }
            }
            await withTaskGroup(of: Void.self) { readers in
                for seed in 10..<14 {
                    readers.addTask { await world.read(seed: UInt64(seed), rounds: 10_000) }
                }
            }
            world.isOver.store(true, ordering: .releasing)
        }
        #expect(world.stale.load(ordering: .relaxed) == 0)
        for cache in world.caches {
            #expect(cache.statistics.hits > 0, "no look-up found anything")
            #expect(cache.statistics.misses > Database.keys, "no change made anything go")
            #expect(cache.statistics.count <= capacity)
        }
    }
}
