import WitanCore
import WitanServices
import WitanStorage

extension WorldEvaluator {
    /// What an explanation says that is not so, and what it does not say.
    func faults(of explanation: Explanation, for question: Question) -> [String] {
        var faults: [String] = []
        let type = question.type ?? question.object.type
        let counted = grants(to: question.user, for: question.object)
        let giving = counted.filter { Self.contains(gives($0), question.permission, type) }
        let missing = counted.filter { grant in
            !giving.contains(grant) && gives(grant).contains { $0.permission == question.permission }
        }
        if Set(explanation.ways.map { World.Grant($0.grant) }) != Set(giving) { faults.append("Other grants give it.") }
        if Set(explanation.nearMisses.map { World.Grant($0.grant) }) != Set(missing) {
            faults.append("Other grants would give it for other kinds of objects.")
        }
        if explanation.ways.contains(where: { !$0.types.isEmpty && !$0.types.contains(type) }) {
            faults.append("A way is for other kinds of objects.")
        }
        if explanation.nearMisses.contains(where: { $0.types.isEmpty || $0.types.contains(type) }) {
            faults.append("A near miss is for this kind of objects.")
        }
        for way in explanation.ways + explanation.nearMisses {
            if !reaches(way, question.user) {
                faults.append("The grant \(way.grant.id) does not reach them like that.")
            }
            if !carries(way, question.permission) {
                faults.append("The grant \(way.grant.id) does not give it like that.")
            }
        }
        return faults
    }

    /// Whether the groups of a way hold the user, each the one before it, up to the one that has the grant.
    private func reaches(_ way: Explanation.Way, _ user: ObjectID) -> Bool {
        guard let first = way.groups.first else { return way.grant.principal == user }
        return world.group(first.id)?.users.contains(user) == true
            && way.groups.last?.id == way.grant.principal
            && zip(way.groups, way.groups.dropFirst())
                .allSatisfy { lower, upper in world.group(upper.id)?.groups.contains(lower.id) == true }
            && way.groups.allSatisfy { $0.name == world.name(of: $0.id) }
    }

    /// Whether the roles of a way take from each other, down to one that has the permission for just those kinds.
    private func carries(_ way: Explanation.Way, _ permission: Permission) -> Bool {
        let permissions: [World.Allowance]
        if let last = way.roles.last {
            guard way.roles.first?.id == way.grant.roleID,
                zip(way.roles, way.roles.dropFirst())
                    .allSatisfy({ upper, lower in world.role(upper.id)?.roles.contains(lower.id) == true }),
                way.roles.allSatisfy({ $0.name == world.name(of: $0.id) })
            else { return false }
            permissions = world.role(last.id)?.permissions ?? []
        } else {
            guard case .allowance(let allowance) = World.Grant(way.grant).gift else { return false }
            permissions = [allowance]
        }
        let types = permissions.filter { $0.permission == permission }.map(\.type)
        return types.contains(nil) ? way.types.isEmpty : !types.isEmpty && Set(types) == Set(way.types)
    }
}

extension World.Grant {
    fileprivate init(_ grant: StoredGrant) {
        let gift: World.Gift? =
            grant.roleID.map { .role($0) }
            ?? grant.permission.map { .allowance(World.Allowance(permission: $0, type: grant.restriction)) }
        guard let gift else { preconditionFailure("A stored grant gives nothing") }
        self.init(
            object: World.Object(
                type: grant.object.type,
                id: grant.object.id,
                organization: grant.object.organizationID
            ),
            principal: grant.principal,
            gift: gift
        )
    }
}
