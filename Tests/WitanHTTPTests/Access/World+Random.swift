import WitanCore
import WitanResources

extension World {
    /// A world that a seed makes: few of everything, so that what there is meets often.
    init(seed: UInt64, name: String, using random: inout RandomSource) {
        self.init(seed: seed, keeper: .random(using: &random))
        principals.append(Principal(id: keeper, email: "keeper@\(name)", serviceOrganization: nil))
        for number in 1...Int.random(in: 2...3, using: &random) {
            let email = "p\(number)@\(name)"
            principals.append(Principal(id: .random(using: &random), email: email, serviceOrganization: nil))
        }
        for number in 1...[1, 1, 1, 2, 2, 3].random(using: &random) {
            addOrganization("\(name)-o\(number)", using: &random)
        }
    }

    private mutating func addOrganization(_ name: String, using random: inout RandomSource) {
        let id = ObjectID.random(using: &random)
        var members = [keeper]
        for user in principals where user.id != keeper && user.serviceOrganization == nil {
            if Int.random(in: 0..<4, using: &random) > 0 { members.append(user.id) }
        }
        if Bool.random(using: &random) {
            let account = Principal(
                id: .random(using: &random),
                email: "robot@\(name)",
                serviceOrganization: id
            )
            principals.append(account)
            members.append(account.id)
        }
        organizations.append(
            Organization(id: id, name: name, grantsOwnership: .random(using: &random), members: members)
        )
        addGroups(to: id, members, using: &random)
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            roles.append(randomRole(.random(using: &random), in: id, using: &random))
        }
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            projects.append(Project(id: .random(using: &random), organization: id, name: self.name("project")))
        }
        for _ in 0..<Int.random(in: 2...7, using: &random) {
            let grant = randomGrant(in: id, using: &random)
            if !grants.contains(grant) { grants.append(grant) }
        }
    }

    private mutating func addGroups(to id: ObjectID, _ members: [ObjectID], using random: inout RandomSource) {
        var made = BuiltInGroup.allCases.map {
            Group(id: .random(using: &random), organization: id, name: $0.name, builtIn: $0)
        }
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            made.append(Group(id: .random(using: &random), organization: id, name: name("group"), builtIn: nil))
        }
        made.shuffle(using: &random)
        for index in made.indices {
            let rarity = Self.rarity(of: made[index])
            for member in members where member != keeper && Int.random(in: 0..<rarity, using: &random) == 0 {
                made[index].users.append(member)
            }
            if made[index].builtIn == .owners { made[index].users.append(keeper) }
            // A group holds only such as come after it, so that there is no cycle.
            for other in made[(index + 1)...] where Int.random(in: 0..<rarity + 1, using: &random) == 0 {
                made[index].groups.append(other.id)
            }
            guard let builtIn = made[index].builtIn else { continue }
            let object = Object(type: .organization, id: id, organization: id)
            grants.append(Grant(object: object, principal: made[index].id, gift: .role(builtIn.role.id)))
        }
        groups += made
    }

    /// One in how many is in a group: whoever is in a built-in one hides what other grants give.
    static func rarity(of group: Group) -> Int {
        switch group.builtIn {
        case .owners: 8
        case .engineers, .viewers: 6
        case nil: 3
        }
    }

    /// A role that takes only from roles that are there, so that there is no cycle.
    mutating func randomRole(
        _ id: ObjectID,
        in organization: ObjectID,
        using random: inout RandomSource
    ) -> Role {
        var role = Role(id: id, organization: organization, name: name("role"))
        role.permissions = randomAllowances(using: &random)
        role.roles = roles(of: organization).filter { _ in Int.random(in: 0..<4, using: &random) == 0 }.map(\.id)
        return role
    }

    /// The roles that an organization can use.
    func roles(of organization: ObjectID) -> [Role] {
        roles.filter { $0.organization == organization || $0.organization == nil && $0.name != "Owner" }
    }

    func randomAllowances(using random: inout RandomSource) -> [Allowance] {
        var allowances: [Allowance] = []
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let allowance = Self.randomAllowance(using: &random)
            if !allowances.contains(allowance) { allowances.append(allowance) }
        }
        return allowances
    }

    private static func randomAllowance(using random: inout RandomSource) -> Allowance {
        let types: [ObjectType?] = [
            nil, nil, nil, .project, .project, .group, .role, .organization, .orgMember, .orgProject, .orgAuditLogs,
            .dataset,
        ]
        return Allowance(permission: Permission.allCases.random(using: &random), type: types.random(using: &random))
    }

    func randomGrant(in organization: ObjectID, using random: inout RandomSource) -> Grant {
        let users = organizations.first { $0.id == organization }?.members ?? []
        let groups = groups.filter { $0.organization == organization }.map(\.id)
        let ownRoles = roles(of: organization).map(\.id)
        let isPermission = Int.random(in: 0..<5, using: &random) < 3
        return Grant(
            object: objects.filter { $0.organization == organization }.random(using: &random),
            principal: (Bool.random(using: &random) ? users : groups).random(using: &random),
            gift: isPermission
                ? .allowance(Self.randomAllowance(using: &random)) : .role(ownRoles.random(using: &random))
        )
    }
}

extension ObjectID {
    static func random(using random: inout RandomSource) -> ObjectID {
        ObjectID(high: random.next(), low: random.next())
    }
}

extension Array {
    /// One of the elements, of which there must be some.
    func random(using random: inout RandomSource) -> Element { self[Int.random(in: indices, using: &random)] }
}
