import WitanCore

/// The rules of the design page, word by word, over everything there is (design: access control, section 2).
struct WorldEvaluator {
    let world: World
    private let allowances: [ObjectID: Set<World.Allowance>]
    private let principals: [ObjectID: Set<ObjectID>]

    init(_ world: World) {
        self.world = world
        allowances = Dictionary(
            uniqueKeysWithValues: world.roles.map { ($0.id, Self.allowances(of: $0.id, in: world)) }
        )
        principals = Dictionary(
            uniqueKeysWithValues: world.principals.map { user in
                (user.id, Set([user.id] + world.groups.filter { Self.group($0, holds: user.id, in: world) }.map(\.id)))
            }
        )
    }

    /// A question to which there are two answers, the world's and the product's.
    struct Question {
        let user: ObjectID
        let permission: Permission
        let object: World.Object
        /// nil for the object's own kind.
        let type: ObjectType?
    }

    /// Every question about every principal, permission and object, and for containers about what can be in them.
    func questions() -> [(question: Question, answer: Bool)] {
        let objects = world.objects
        return world.principals.flatMap { user in
            objects.flatMap { object in
                let held = grants(to: user.id, for: object).map { gives($0) }
                return Self.types(askedOf: object)
                    .flatMap { type in
                        Permission.allCases.map { permission in
                            (
                                Question(user: user.id, permission: permission, object: object, type: type),
                                held.contains { Self.contains($0, permission, type ?? object.type) }
                            )
                        }
                    }
            }
        }
    }

    /// The grants that count for a user and an object: to them or a group of theirs, on the object or above it.
    func grants(to user: ObjectID, for object: World.Object) -> [World.Grant] {
        guard
            world.organizations.contains(where: { $0.id == object.organization && $0.members.contains(user) }),
            let principals = principals[user]
        else { return [] }
        let places = Self.places(of: object)
        return world.grants.filter { places.contains($0.object) && principals.contains($0.principal) }
    }

    /// Everything that a grant gives, for whatever kind of objects.
    func gives(_ grant: World.Grant) -> Set<World.Allowance> {
        switch grant.gift {
        case .allowance(let allowance): [allowance]
        case .role(let role): allowances[role] ?? []
        }
    }

    func allows(_ question: Question) -> Bool {
        grants(to: question.user, for: question.object)
            .contains { Self.contains(gives($0), question.permission, question.type ?? question.object.type) }
    }

    /// The objects of a kind that a user may read.
    func visible(_ type: ObjectType, to user: ObjectID) -> Set<ObjectID> {
        let objects = world.objects.filter { object in
            object.type == type && allows(Question(user: user, permission: .read, object: object, type: nil))
        }
        let isMember = world.organizations.contains { $0.members.contains(user) }
        // The system roles are visible to all.
        let shared = type == .role && isMember ? world.roles.filter { $0.organization == nil }.map(\.id) : []
        return Set(objects.map(\.id) + shared)
    }

    static func contains(_ allowances: Set<World.Allowance>, _ permission: Permission, _ type: ObjectType) -> Bool {
        allowances.contains(World.Allowance(permission: permission, type: nil))
            || allowances.contains(World.Allowance(permission: permission, type: type))
    }

    // MARK: Rules

    private static func group(_ group: World.Group, holds user: ObjectID, in world: World) -> Bool {
        group.users.contains(user)
            || world.groups.contains { group.groups.contains($0.id) && Self.group($0, holds: user, in: world) }
    }

    private static func allowances(of role: ObjectID, in world: World) -> Set<World.Allowance> {
        guard let role = world.role(role) else { return [] }
        return role.roles.reduce(into: Set(role.permissions)) { $0.formUnion(allowances(of: $1, in: world)) }
    }

    /// An object and what it is in.
    private static func places(of object: World.Object) -> [World.Object] {
        func wide(_ type: ObjectType) -> World.Object {
            World.Object(type: type, id: object.organization, organization: object.organization)
        }
        return object.type == .project
            ? [object, wide(.orgProject), wide(.organization)] : [object, wide(.organization)]
    }

    private static func types(askedOf object: World.Object) -> [ObjectType?] {
        switch object.type {
        case .organization: [nil, .group, .role]
        case .orgProject: [nil, .project]
        case .project: [nil, .dataset]
        default: [nil]
        }
    }
}
