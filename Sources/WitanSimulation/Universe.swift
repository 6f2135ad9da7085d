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

    func apply(to database: inout SimulatedDatabase) {
        switch self {
        case .revoke(let number): database.revoked.insert(number)
        case .removeUser(let user):
            database.userGenerations[user] += 1
            database.grantGenerations[user] += 1
        case .changeOrganization: database.organizationGeneration += 1
        case .removeGrant(let user): database.grantGenerations[user] += 1
        case .changeGroup, .changeRole:
            for user in 0..<Universe.users { database.grantGenerations[user] += 1 }
        case .changeMuch:
            for user in 0..<Universe.users {
                database.userGenerations[user] += 1
                database.grantGenerations[user] += 1
            }
        }
    }
}

/// What has been answered, and so must not be accepted any more from whoever asks from now on.
struct Promise {
    private var revoked: Set<Int> = []
    private var userGenerations = [Int](repeating: 0, count: Universe.users)
    private var organizationGeneration = 0
    private var grantGenerations = [Int](repeating: 0, count: Universe.users)

    /// Whatever the database said when the change was committed is promised once it is answered.
    struct State {
        let change: Change
        let userGenerations: [Int]
        let organizationGeneration: Int
        let grantGenerations: [Int]

        init(_ change: Change, _ database: SimulatedDatabase) {
            self.change = change
            userGenerations = database.userGenerations
            organizationGeneration = database.organizationGeneration
            grantGenerations = database.grantGenerations
        }
    }

    /// A change was answered, which the database had like this when it was committed.
    mutating func answer(_ state: State) {
        func raise(_ generations: inout [Int], to others: [Int], _ users: [Int]) {
            for user in users { generations[user] = max(generations[user], others[user]) }
        }
        let everybody = Array(0..<Universe.users)
        switch state.change {
        case .revoke(let number): revoked.insert(number)
        case .removeUser(let user):
            raise(&userGenerations, to: state.userGenerations, [user])
            raise(&grantGenerations, to: state.grantGenerations, [user])
        case .changeOrganization:
            organizationGeneration = max(organizationGeneration, state.organizationGeneration)
        case .removeGrant(let user): raise(&grantGenerations, to: state.grantGenerations, [user])
        case .changeGroup, .changeRole: raise(&grantGenerations, to: state.grantGenerations, everybody)
        case .changeMuch:
            raise(&userGenerations, to: state.userGenerations, everybody)
            raise(&grantGenerations, to: state.grantGenerations, everybody)
        }
    }

    /// Why a request that was sent when this was promised must not be accepted by these; nil when it may be.
    func objection(to key: SimulatedKey, _ grant: SimulatedGrant) -> String? {
        if revoked.contains(key.number) { return "key \(key.number) was revoked" }
        if key.userGeneration < userGenerations[key.user] { return "user \(key.user) was removed" }
        if key.organizationGeneration < organizationGeneration { return "the organization was changed" }
        if grant.generation < grantGenerations[grant.user] { return "what user \(grant.user) may do was taken away" }
        return nil
    }
}
