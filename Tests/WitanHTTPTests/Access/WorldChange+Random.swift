import WitanCore
import WitanResources

extension WorldChange {
    /// A change that the services should let the keeper make; nil when the one that was drawn cannot be made.
    static func random(in world: inout World, using random: inout RandomSource) -> WorldChange? {
        let organization = world.organizations.random(using: &random)
        let groups = world.groups.filter { $0.organization == organization.id }
        let roles = world.roles.filter { $0.organization == organization.id }
        switch Int.random(in: 0..<20, using: &random) {
        case 0...1:
            return join(organization, groups, world, using: &random)
        case 2...4:
            let others = organization.members.filter { $0 != world.keeper }
            return others.isEmpty ? nil : .removeMember(others.random(using: &random), from: organization.id)
        case 5...7:
            return change(groups.random(using: &random), of: organization, groups, world, using: &random)
        case 8...10:
            return roles.isEmpty ? nil : change(roles.random(using: &random), world, using: &random)
        case 11...12:
            return .give(world.randomGrant(in: organization.id, using: &random))
        case 13...15:
            return take(from: organization, world, using: &random)
        case 16...17:
            return make(in: organization, groups, &world, using: &random)
        default:
            let objects = world.objects.filter { object in
                object.organization == organization.id
                    && (object.type == .project || object.type == .role
                        || groups.contains { $0.id == object.id && $0.builtIn == nil })
            }
            return objects.isEmpty ? nil : .delete(objects.random(using: &random))
        }
    }

    private static func join(
        _ organization: World.Organization,
        _ groups: [World.Group],
        _ world: World,
        using random: inout RandomSource
    ) -> WorldChange {
        let chosen = groups.some(of: 3, using: &random).map(\.id)
        let others = world.principals.filter {
            $0.serviceOrganization == nil && !organization.members.contains($0.id)
        }
        guard !others.isEmpty, Int.random(in: 0..<3, using: &random) > 0 else {
            return .addServiceAccount("robot\(world.history.count)", to: organization.id, groups: chosen)
        }
        return .addMember(others.random(using: &random).id, to: organization.id, groups: chosen)
    }

    private static func change(
        _ group: World.Group,
        of organization: World.Organization,
        _ groups: [World.Group],
        _ world: World,
        using random: inout RandomSource
    ) -> WorldChange {
        let rarity = World.rarity(of: group)
        let users = organization.members.filter { $0 != world.keeper }
        let groups = groups.map(\.id).filter { !world.group($0, holds: group.id) }
        if Int.random(in: 0..<3, using: &random) == 0 {
            let kept = group.users.contains(world.keeper) ? [world.keeper] : []
            return .replaceGroup(
                group.id,
                by: GroupMembers(
                    users: kept + users.some(of: rarity, using: &random),
                    groups: groups.some(of: rarity, using: &random)
                )
            )
        }
        return .changeGroup(
            group.id,
            adding: GroupMembers(
                users: users.filter { !group.users.contains($0) }.some(of: rarity, using: &random),
                groups: groups.filter { !group.groups.contains($0) }.some(of: rarity, using: &random)
            ),
            removing: GroupMembers(
                users: group.users.filter { $0 != world.keeper }.some(of: 2, using: &random),
                groups: group.groups.some(of: 2, using: &random)
            )
        )
    }

    private static func change(
        _ role: World.Role,
        _ world: World,
        using random: inout RandomSource
    ) -> WorldChange {
        guard let organization = role.organization else { preconditionFailure("System roles do not change") }
        let allowances = world.randomAllowances(using: &random)
        let roles = world.roles(of: organization).map(\.id).filter { !world.role($0, takesFrom: role.id) }
        if Int.random(in: 0..<3, using: &random) == 0 {
            return .replaceRole(
                role.id,
                by: RoleMembers(permissions: allowances, roles: roles.some(of: 4, using: &random))
            )
        }
        return .changeRole(
            role.id,
            adding: RoleMembers(
                permissions: allowances.filter { !role.permissions.contains($0) },
                roles: roles.filter { !role.roles.contains($0) }.some(of: 4, using: &random)
            ),
            removing: RoleMembers(
                permissions: role.permissions.some(of: 2, using: &random),
                roles: role.roles.some(of: 2, using: &random)
            )
        )
    }

    private static func take(
        from organization: World.Organization,
        _ world: World,
        using random: inout RandomSource
    ) -> WorldChange? {
        let owners = world.groups.first { $0.organization == organization.id && $0.builtIn == .owners }
        // The group Owners keeps what the keeper holds by it.
        let grants = world.grants.filter {
            $0.object.organization == organization.id && $0.principal != owners?.id
        }
        guard !grants.isEmpty else { return nil }
        guard Int.random(in: 0..<3, using: &random) == 0 else {
            return .take(grants.random(using: &random), byContent: .random(using: &random))
        }
        let added = (0..<2).map { _ in world.randomGrant(in: organization.id, using: &random) }
        return .exchange(grants.some(of: 3, using: &random).filter { !added.contains($0) }, for: added)
    }

    private static func make(
        in organization: World.Organization,
        _ groups: [World.Group],
        _ world: inout World,
        using random: inout RandomSource
    ) -> WorldChange {
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            return .makeProject(world.name("project"), in: organization.id)
        case 1:
            let members = GroupMembers(
                users: organization.members.some(of: 3, using: &random),
                groups: groups.map(\.id).some(of: 4, using: &random)
            )
            return .makeGroup(world.name("group"), in: organization.id, members)
        default:
            let members = RoleMembers(
                permissions: world.randomAllowances(using: &random),
                roles: world.roles(of: organization.id).map(\.id).some(of: 4, using: &random)
            )
            return .makeRole(world.name("role"), in: organization.id, members)
        }
    }
}

extension Array {
    /// Some of the elements, each with the chance of one in so many.
    fileprivate func some(of rarity: Int, using random: inout RandomSource) -> [Element] {
        filter { _ in Int.random(in: 0..<rarity, using: &random) == 0 }
    }
}
