import Synchronization
import Testing
import WitanAccess
import WitanCore

/// The invariant of the cache with real threads: what was looked up after a change was answered is as new as the change.
@Suite("Cache of verified credentials under threads")
struct CredentialCacheStressTests {
    /// What the database says of a credential, with how many changes its owner had seen.
    private struct Row: CachedCredential {
        let credentialID: ObjectID
        let userID: ObjectID
        let organizationID: ObjectID
        let userGeneration: Int
    }

    /// A database with its changes, and those of them that were answered to whoever asked for them.
    private struct Database: Sendable {
        var revoked: Set<Int> = []
        var answeredRevocations: Set<Int> = []
        var generations = [Int](repeating: 0, count: Self.users)
        var answeredGenerations = [Int](repeating: 0, count: Self.users)
        /// The credentials in use: the last so many of a growing range.
        var newest = Self.credentials

        static let users = 4
        static let credentials = 24

        var live: Range<Int> { newest - Self.credentials..<newest }

        func row(_ number: Int) -> Row? {
            revoked.contains(number)
                ? nil
                : Row(
                    credentialID: ObjectID(high: 1, low: UInt64(number)),
                    userID: ObjectID(high: 2, low: UInt64(number % Self.users)),
                    organizationID: ObjectID(high: 3, low: 0),
                    userGeneration: generations[number % Self.users]
                )
        }
    }

    private final class World: Sendable {
        let cache: CredentialCache<Row>
        let database = Mutex(Database())
        let stale = Atomic(0)
        let refusedFills = Atomic(0)
        let isOver = Atomic(false)

        init(capacity: Int, remembered: Int) {
            cache = CredentialCache(capacity: capacity, rememberedInvalidations: remembered)
        }

        func digest(_ number: Int) -> CredentialDigest { CredentialDigest(of: "credential \(number)") }

        /// One request after the other, as a server would serve them.
        func read(seed: UInt64, rounds: Int) async {
            var random = RandomSource.seeded(seed)
            for _ in 0..<rounds {
                let (number, wasRevoked, generation) = database.withLock { database in
                    let number = Int.random(in: database.live, using: &random)
                    return (
                        number, database.answeredRevocations.contains(number),
                        database.answeredGenerations[number % Database.users]
                    )
                }
                if let row = cache.lookup(digest(number)) {
                    if wasRevoked || row.userGeneration < generation {
                        stale.add(1, ordering: .relaxed)
                    }
                    continue
                }
                let token = cache.beginFill(digest(number))
                guard let row = database.withLock({ $0.row(number) }) else { continue }
                // Others get to change the database while this one holds what it read.
                await Task.yield()
                if !cache.fill(token, with: row) {
                    refusedFills.add(1, ordering: .relaxed)
                }
            }
        }

        /// One change after the other until the readers are done: commit, tell the cache, answer.
        func change(seed: UInt64) async {
            var random = RandomSource.seeded(seed)
            while !isOver.load(ordering: .acquiring) {
                if Bool.random(using: &random) {
                    let number = database.withLock { database in
                        let number = Int.random(in: database.live, using: &random)
                        database.revoked.insert(number)
                        return number
                    }
                    cache.revoke(credentialID: ObjectID(high: 1, low: UInt64(number)))
                    database.withLock { database in
                        database.answeredRevocations.insert(number)
                        database.newest += Bool.random(using: &random) ? 1 : 0
                    }
                } else {
                    let user = Int.random(in: 0..<Database.users, using: &random)
                    let generation = database.withLock { database in
                        database.generations[user] += 1
                        return database.generations[user]
                    }
                    cache.invalidate(userID: ObjectID(high: 2, low: UInt64(user)))
                    database.withLock { database in
                        database.answeredGenerations[user] = max(database.answeredGenerations[user], generation)
                    }
                }
                await Task.yield()
            }
        }
    }

    @Test(
        "No reader sees what was revoked or changed before it asked",
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
        #expect(world.refusedFills.load(ordering: .relaxed) > 0, "no fill raced a change")
        #expect(world.cache.statistics.hits > 0, "no look-up found anything")
        #expect(world.cache.statistics.count <= capacity)
    }
}
