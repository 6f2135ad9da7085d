import WitanAccess
import WitanCore
import WitanStorage

/// The few keys and people that a run is about.
enum Universe {
    static let users = 3

    /// How many keys are in use at a time: the last of a growing range.
    static let keys = 6

    static let organization = ObjectID(high: 3, low: 0)
    static let group = ObjectID(high: 4, low: 0)
    static let role = ObjectID(high: 5, low: 0)
    static let object = ObjectID(high: 6, low: 0)

    static func key(_ number: Int) -> ObjectID { ObjectID(high: 1, low: UInt64(number)) }

    static func user(_ number: Int) -> ObjectID { ObjectID(high: 2, low: UInt64(number)) }

    /// More than a run ever makes; hashed once.
    static let digests = (0..<256).map { CredentialDigest(of: "key \($0)") }
}

/// What the database says of a key, with how many changes of its user and its organization it has seen.
struct SimulatedKey: CachedCredential {
    let number: Int
    let userGeneration: Int
    let organizationGeneration: Int

    var user: Int { number % Universe.users }
    var credentialID: ObjectID { Universe.key(number) }
    var userID: ObjectID { Universe.user(user) }
    var organizationID: ObjectID { Universe.organization }
}

/// What a user may do, with how many changes it has seen.
struct SimulatedGrant: DependentValue {
    let user: Int
    let generation: Int

    var dependencies: [AccessSubject] {
        [
            .user(Universe.user(user)), .group(Universe.group), .role(Universe.role),
            .grant(principal: Universe.user(user), object: Universe.object),
        ]
    }
}

/// Something that takes access away.
enum Change: Equatable {
    case revoke(Int)
    case removeUser(Int)
    case changeOrganization
    case removeGrant(Int)
    case changeGroup
    case changeRole
    /// More than one commit tells one by one.
    case changeMuch

    /// What others are told of it.
    var events: [ClusterEvent] {
        switch self {
        case .revoke(let number): [.credential(Universe.key(number))]
        case .removeUser(let user): [.credentials(userID: Universe.user(user)), .user(Universe.user(user))]
        case .changeOrganization: [.allCredentials]
        case .removeGrant(let user): [.grant(principal: Universe.user(user), object: Universe.object)]
        case .changeGroup: [.group(Universe.group)]
        case .changeRole: [.role(Universe.role)]
        case .changeMuch:
            (0..<Universe.users).map { .credentials(userID: Universe.user($0)) }
                + (0..<Universe.users).map { .user(Universe.user($0)) }
        }
    }
}

/// Who may do what, as the database has it.
///
/// Each generation is the stamp of the change that began it; no two changes have the same, not even where the database
/// has lost one of them.
struct SimulatedAccess {
    private(set) var revoked: Set<Int> = []
    private(set) var userGenerations = [Int](repeating: 0, count: Universe.users)
    private(set) var organizationGeneration = 0
    private(set) var grantGenerations = [Int](repeating: 0, count: Universe.users)

    func key(_ number: Int) -> SimulatedKey? {
        if revoked.contains(number) { return nil }
        return SimulatedKey(
            number: number,
            userGeneration: userGenerations[number % Universe.users],
            organizationGeneration: organizationGeneration
        )
    }

    func grant(_ user: Int) -> SimulatedGrant { SimulatedGrant(user: user, generation: grantGenerations[user]) }

    mutating func make(_ change: Change, stamp: Int) {
        switch change {
        case .revoke(let number): revoked.insert(number)
        case .removeUser(let user): (userGenerations[user], grantGenerations[user]) = (stamp, stamp)
        case .changeOrganization: organizationGeneration = stamp
        case .removeGrant(let user): grantGenerations[user] = stamp
        case .changeGroup, .changeRole:
            for user in 0..<Universe.users { grantGenerations[user] = stamp }
        case .changeMuch:
            for user in 0..<Universe.users { (userGenerations[user], grantGenerations[user]) = (stamp, stamp) }
        }
    }

    /// Takes over what a change did, as `other` had it when it was committed.
    mutating func take(_ change: Change, from other: SimulatedAccess) {
        func raise(_ generations: inout [Int], to others: [Int], _ users: [Int]) {
            for user in users { generations[user] = max(generations[user], others[user]) }
        }
        let everybody = Array(0..<Universe.users)
        switch change {
        case .revoke(let number): revoked.insert(number)
        case .removeUser(let user):
            raise(&userGenerations, to: other.userGenerations, [user])
            raise(&grantGenerations, to: other.grantGenerations, [user])
        case .changeOrganization:
            organizationGeneration = max(organizationGeneration, other.organizationGeneration)
        case .removeGrant(let user): raise(&grantGenerations, to: other.grantGenerations, [user])
        case .changeGroup, .changeRole: raise(&grantGenerations, to: other.grantGenerations, everybody)
        case .changeMuch:
            raise(&userGenerations, to: other.userGenerations, everybody)
            raise(&grantGenerations, to: other.grantGenerations, everybody)
        }
    }

    /// Gives up whatever `other` has not got.
    mutating func lower(to other: SimulatedAccess) {
        revoked.formIntersection(other.revoked)
        organizationGeneration = min(organizationGeneration, other.organizationGeneration)
        for user in 0..<Universe.users {
            userGenerations[user] = min(userGenerations[user], other.userGenerations[user])
            grantGenerations[user] = min(grantGenerations[user], other.grantGenerations[user])
        }
    }
}

/// What has been answered, and so must not be accepted any more from whoever asks from now on.
struct Promise {
    /// What the answers say.
    private var access = SimulatedAccess()

    /// How often the database had lost something.
    private(set) var era = 0

    /// A change as it was committed.
    struct Commit {
        let change: Change
        let access: SimulatedAccess
        let era: Int

        init(_ change: Change, in database: SimulatedDatabase) {
            self.change = change
            access = database.access
            era = database.era
        }
    }

    /// A change was answered; one that the database has lost meanwhile promises nothing.
    mutating func answer(_ commit: Commit) {
        if commit.era == era { access.take(commit.change, from: commit.access) }
    }

    /// The database has lost what it has not got any more.
    mutating func lower(to database: SimulatedDatabase) {
        access.lower(to: database.access)
        era = database.era
    }

    /// Why a request that was sent when this was promised must not be accepted by these; nil when it may be.
    func objection(to key: SimulatedKey, _ grant: SimulatedGrant) -> String? {
        if access.revoked.contains(key.number) { return "key \(key.number) was revoked" }
        if key.userGeneration < access.userGenerations[key.user] { return "user \(key.user) was removed" }
        if key.organizationGeneration < access.organizationGeneration { return "the organization was changed" }
        if grant.generation < access.grantGenerations[grant.user] {
            return "what user \(grant.user) may do was taken away"
        }
        return nil
    }
}
