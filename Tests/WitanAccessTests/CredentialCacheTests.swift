import Testing
import WitanAccess
import WitanCore

@Suite("Cache of verified credentials")
struct CredentialCacheTests {
    struct Credential: CachedCredential, Hashable {
        let credentialID: ObjectID
        let userID: ObjectID
        let organizationID: ObjectID
    }

    private static func id(_ kind: UInt64, _ number: Int) -> ObjectID {
        ObjectID(high: kind, low: UInt64(number))
    }

    private static func digest(_ number: Int) -> CredentialDigest {
        CredentialDigest(of: "credential \(number)")
    }

    /// The numbered credential: three for a user, two users for an organization.
    private static func credential(_ number: Int) -> Credential {
        Credential(
            credentialID: id(1, number),
            userID: id(2, number / 3 % 6),
            organizationID: id(3, number / 6 % 3)
        )
    }

    @Test("A fill is found, and a second one does not replace it")
    func fillsOnce() {
        let cache = CredentialCache<Credential>(capacity: 10)
        #expect(cache.lookup(Self.digest(1)) == nil)
        let first = cache.beginFill(Self.digest(1))
        let second = cache.beginFill(Self.digest(1))
        #expect(cache.fill(first, with: Self.credential(1)))
        #expect(!cache.fill(second, with: Self.credential(2)))
        #expect(cache.lookup(Self.digest(1)) == Self.credential(1))
        let statistics = cache.statistics
        #expect(statistics.hits == 1 && statistics.misses == 1)
        #expect(statistics.evictions == 0 && statistics.count == 1)
    }

    private enum Change: CaseIterable {
        case revokeCredential, invalidateUser, invalidateOrganization, removeAll

        func apply(to cache: CredentialCache<Credential>, concerning credential: Credential) {
            switch self {
            case .revokeCredential: cache.revoke(credentialID: credential.credentialID)
            case .invalidateUser: cache.invalidate(userID: credential.userID)
            case .invalidateOrganization: cache.invalidate(organizationID: credential.organizationID)
            case .removeAll: cache.removeAll()
            }
        }
    }

    @Test(
        "A change makes a value go, and keeps a fill that was reading from bringing it back",
        arguments: Change.allCases
    )
    private func forgets(change: Change) {
        let cache = CredentialCache<Credential>(capacity: 10)
        let credential = Self.credential(1)
        cache.fill(cache.beginFill(Self.digest(1)), with: credential)
        let reading = cache.beginFill(Self.digest(1))
        change.apply(to: cache, concerning: credential)
        #expect(cache.lookup(Self.digest(1)) == nil)
        #expect(!cache.fill(reading, with: credential))
        #expect(cache.lookup(Self.digest(1)) == nil)
        #expect(cache.statistics.count == 0)
        let isForGood = change == .revokeCredential
        #expect(cache.fill(cache.beginFill(Self.digest(1)), with: credential) == !isForGood)
        #expect((cache.lookup(Self.digest(1)) == nil) == isForGood)
    }

    @Test("A change that concerns others lets a fill through")
    func permitsUnconcerned() {
        let cache = CredentialCache<Credential>(capacity: 10)
        let reading = cache.beginFill(Self.digest(1))
        cache.revoke(credentialID: Self.id(1, 99))
        // The same UUID as another kind of owner is another owner.
        cache.revoke(credentialID: Self.credential(1).userID)
        cache.invalidate(userID: Self.credential(1).organizationID)
        cache.invalidate(organizationID: Self.credential(1).credentialID)
        #expect(cache.fill(reading, with: Self.credential(1)))
    }

    @Test("A fill that began before what is still remembered is refused, a newer one is not")
    func refusesWhatItCannotTell() {
        let cache = CredentialCache<Credential>(capacity: 10, rememberedInvalidations: 4)
        let old = cache.beginFill(Self.digest(1))
        cache.invalidate(userID: Self.credential(1).userID)
        let newer = cache.beginFill(Self.digest(2))
        for number in 10..<14 {
            cache.revoke(credentialID: Self.id(1, number))
        }
        #expect(!cache.fill(old, with: Self.credential(1)))
        #expect(cache.fill(newer, with: Self.credential(2)))
        cache.revoke(credentialID: Self.id(1, 14))
        #expect(!cache.fill(newer, with: Self.credential(30)))
        #expect(cache.lookup(Self.digest(2)) != nil, "forgetting an old invalidation must not cost a value")
    }

    @Test("A full cache keeps what is used and stays within its capacity", arguments: [8, 1_023, 4_096])
    func evicts(capacity: Int) {
        let cache = CredentialCache<Credential>(capacity: capacity)
        cache.fill(cache.beginFill(Self.digest(-1)), with: Self.credential(0))
        for number in 1...4 * capacity {
            #expect(cache.lookup(Self.digest(-1)) != nil)
            #expect(cache.fill(cache.beginFill(Self.digest(number)), with: Self.credential(number)))
            #expect(cache.lookup(Self.digest(-1)) != nil, "the one that is always used was evicted")
        }
        let statistics = cache.statistics
        #expect(statistics.count <= capacity)
        #expect(statistics.count > capacity / 2)
        #expect(statistics.evictions == 4 * capacity + 1 - statistics.count)
        for number in 0..<6 {
            cache.invalidate(userID: Self.id(2, number))
        }
        #expect(cache.statistics.count == 0, "an eviction lost track of an owner")
    }

    // MARK: Any interleaving

    /// A fill between its beginning and its end.
    private struct Reading {
        let token: CredentialFillToken
        let number: Int
        let logCount: Int
    }

    private enum Event: Hashable {
        case credential(ObjectID), user(ObjectID), organization(ObjectID), all

        func concerns(_ credential: Credential) -> Bool {
            switch self {
            case .credential(let id): credential.credentialID == id
            case .user(let id): credential.userID == id
            case .organization(let id): credential.organizationID == id
            case .all: true
            }
        }
    }

    /// The cache as one would write it with all the memory and time in the world.
    private struct Model {
        var values: [Int: Credential] = [:]
        var log: [Event] = []

        mutating func apply(_ event: Event) {
            log.append(event)
            values = values.filter { !event.concerns($0.value) }
        }

        /// Whether something that concerns a fill happened since it began.
        func isOutdated(_ reading: Reading, _ credential: Credential) -> Bool {
            log[reading.logCount...].contains { $0.concerns(credential) }
        }
    }

    @Test(
        "Whatever the interleaving, nothing is served after its revocation",
        arguments: [(1_000, 100_000), (1_000, 3), (7, 100_000), (5, 2), (1, 1)],
        Seeds.few
    )
    func matchesModel(sizes: (capacity: Int, remembered: Int), seed: UInt64) {
        var random = RandomSource.seeded(seed)
        let cache = CredentialCache<Credential>(capacity: sizes.capacity, rememberedInvalidations: sizes.remembered)
        let isExact = sizes.capacity == 1_000 && sizes.remembered == 100_000
        var model = Model()
        var readings: [Reading] = []
        var hits = 0
        var outdated = 0
        // Credentials come and go: the ones in use are the last 30 of a growing range.
        var newest = 30
        for _ in 0..<20_000 {
            let number = Int.random(in: newest - 30..<newest, using: &random)
            let credential = Self.credential(number)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<45:
                let found = cache.lookup(Self.digest(number))
                let expected = model.values[number]
                #expect(found == nil || found == expected, "served what was revoked")
                #expect(!isExact || found == expected)
                if found != nil { hits += 1 }
            case 45..<65:
                let token = cache.beginFill(Self.digest(number))
                readings.append(Reading(token: token, number: number, logCount: model.log.count))
            case 65..<90:
                guard let index = readings.indices.randomElement(using: &random) else { continue }
                let reading = readings.remove(at: index)
                let value = Self.credential(reading.number)
                let isKept = cache.fill(reading.token, with: value)
                let isOutdated = model.isOutdated(reading, value)
                let isRevoked = model.log.contains(.credential(value.credentialID))
                let isPresent = model.values[reading.number] != nil
                #expect(!isKept || !isOutdated, "a fill that raced a revocation was kept")
                #expect(!isExact || isKept == !(isOutdated || isRevoked || isPresent))
                if isKept { model.values[reading.number] = value }
                if isOutdated { outdated += 1 }
            case 90..<94:
                cache.revoke(credentialID: credential.credentialID)
                model.apply(.credential(credential.credentialID))
                newest += 1
            case 94..<97:
                cache.invalidate(userID: credential.userID)
                model.apply(.user(credential.userID))
            case 97..<99:
                cache.invalidate(organizationID: credential.organizationID)
                model.apply(.organization(credential.organizationID))
            default:
                guard Int.random(in: 0..<10, using: &random) == 0 else { continue }
                cache.removeAll()
                model.apply(.all)
            }
            #expect(cache.statistics.count <= min(sizes.capacity, model.values.count))
            #expect(!isExact || cache.statistics.count == model.values.count)
        }
        #expect(cache.statistics.hits == hits)
        #expect(hits > 0 && outdated > 0, "the schedule tried nothing")
        #expect((cache.statistics.evictions > 0) == (sizes.capacity < 30))
    }
}
