import WitanCore
import WitanResources

/// Something that the keeper of a world does to it.
enum WorldChange {
    case addMember(ObjectID, to: ObjectID, groups: [ObjectID])
    case addServiceAccount(String, to: ObjectID, groups: [ObjectID])
    case removeMember(ObjectID, from: ObjectID)
    case changeGroup(ObjectID, adding: GroupMembers, removing: GroupMembers)
    case replaceGroup(ObjectID, by: GroupMembers)
    case changeRole(ObjectID, adding: RoleMembers, removing: RoleMembers)
    case replaceRole(ObjectID, by: RoleMembers)
    case give(World.Grant)
    case take(World.Grant, byContent: Bool)
    case exchange([World.Grant], for: [World.Grant])
    case makeProject(String, in: ObjectID)
    case makeGroup(String, in: ObjectID, GroupMembers)
    case makeRole(String, in: ObjectID, RoleMembers)
    case delete(World.Object)

    struct GroupMembers {
        var users: [ObjectID] = []
        var groups: [ObjectID] = []
    }

    struct RoleMembers {
        var permissions: [World.Allowance] = []
        var roles: [ObjectID] = []
    }
}

// MARK: What it does to the values

extension WorldChange {
    /// Makes the change to a world; `made` is the id of what was made.
    func apply(to world: inout World, made: ObjectID?) {
        world.history.append(text(in: world))
        switch self {
        case .addMember(let user, let organization, let groups):
            join(user, organization, groups, &world)
        case .addServiceAccount(let name, let organization, let groups):
            guard let made else { return }
            world.principals.append(World.Principal(id: made, email: name, serviceOrganization: organization))
            join(made, organization, groups, &world)
        case .removeMember(let user, let organization):
            world.change(organization: organization) { $0.members.removeAll { $0 == user } }
            for index in world.groups.indices where world.groups[index].organization == organization {
                world.groups[index].users.removeAll { $0 == user }
            }
            world.grants.removeAll { $0.principal == user && $0.object.organization == organization }
        case .changeGroup(let id, let added, let removed):
            world.change(group: id) { group in
                group.users = group.users.without(removed.users) + added.users
                group.groups = group.groups.without(removed.groups) + added.groups
            }
        case .replaceGroup(let id, let members):
            world.change(group: id) { group in
                group.users = members.users
                group.groups = members.groups
            }
        case .changeRole(let id, let added, let removed):
            world.change(role: id) { role in
                role.permissions = role.permissions.without(removed.permissions) + added.permissions
                role.roles = role.roles.without(removed.roles) + added.roles
            }
        case .replaceRole(let id, let members):
            world.change(role: id) { role in
                role.permissions = members.permissions
                role.roles = members.roles
            }
        case .give(let grant):
            world.give([grant])
        case .take(let grant, byContent: _):
            world.grants = world.grants.without([grant])
        case .exchange(let removed, let added):
            world.give(added)
            world.grants = world.grants.without(removed)
        case .makeProject(let name, let organization):
            guard let made else { return }
            world.projects.append(World.Project(id: made, organization: organization, name: name))
            own(.project, made, organization, &world)
        case .makeGroup(let name, let organization, let members):
            guard let made else { return }
            var group = World.Group(id: made, organization: organization, name: name, builtIn: nil)
            group.users = members.users
            group.groups = members.groups
            world.groups.append(group)
            own(.group, made, organization, &world)
        case .makeRole(let name, let organization, let members):
            guard let made else { return }
            var role = World.Role(id: made, organization: organization, name: name)
            role.permissions = members.permissions
            role.roles = members.roles
            world.roles.append(role)
            own(.role, made, organization, &world)
        case .delete(let object):
            world.delete(object.id)
        }
    }

    private func join(_ user: ObjectID, _ organization: ObjectID, _ groups: [ObjectID], _ world: inout World) {
        world.change(organization: organization) { $0.members.append(user) }
        for group in groups { world.change(group: group) { $0.users.append(user) } }
    }

    /// Whoever makes an object owns it, unless the organization has that switched off (section 2, 4).
    private func own(_ type: ObjectType, _ id: ObjectID, _ organization: ObjectID, _ world: inout World) {
        guard world.organizations.contains(where: { $0.id == organization && $0.grantsOwnership }) else { return }
        let object = World.Object(type: type, id: id, organization: organization)
        world.give([World.Grant(object: object, principal: world.keeper, gift: .role(SystemRole.owner.id))])
    }
}

extension World {
    fileprivate mutating func change(organization id: ObjectID, _ body: (inout Organization) -> Void) {
        for index in organizations.indices where organizations[index].id == id { body(&organizations[index]) }
    }

    fileprivate mutating func change(group id: ObjectID, _ body: (inout Group) -> Void) {
        for index in groups.indices where groups[index].id == id { body(&groups[index]) }
    }

    fileprivate mutating func change(role id: ObjectID, _ body: (inout Role) -> Void) {
        for index in roles.indices where roles[index].id == id { body(&roles[index]) }
    }

    fileprivate mutating func give(_ added: [Grant]) {
        for grant in added where !grants.contains(grant) { grants.append(grant) }
    }

    /// A project, group or role goes with everything that mentions it.
    fileprivate mutating func delete(_ id: ObjectID) {
        projects.removeAll { $0.id == id }
        groups.removeAll { $0.id == id }
        roles.removeAll { $0.id == id }
        for index in groups.indices { groups[index].groups.removeAll { $0 == id } }
        for index in roles.indices { roles[index].roles.removeAll { $0 == id } }
        grants.removeAll { $0.principal == id || $0.object.id == id || $0.gift == .role(id) }
    }
}

extension Array where Element: Equatable {
    fileprivate func without(_ others: [Element]) -> [Element] { filter { !others.contains($0) } }
}

// MARK: In words

extension WorldChange {
    private func text(in world: World) -> String {
        switch self {
        case .addMember(let user, let organization, let groups):
            "add \(world.name(of: user)) to \(world.name(of: organization)), groups: \(world.text(groups))"
        case .addServiceAccount(let name, let organization, let groups):
            "add service account \(name) to \(world.name(of: organization)), groups: \(world.text(groups))"
        case .removeMember(let user, let organization):
            "remove \(world.name(of: user)) from \(world.name(of: organization))"
        case .changeGroup(let id, let added, let removed):
            "change group \(world.name(of: id)): \(added.text("+", world))\(removed.text("-", world))"
        case .replaceGroup(let id, let members):
            "replace group \(world.name(of: id)): \(members.text("", world))"
        case .changeRole(let id, let added, let removed):
            "change role \(world.name(of: id)): \(added.text("+", world))\(removed.text("-", world))"
        case .replaceRole(let id, let members):
            "replace role \(world.name(of: id)): \(members.text("", world))"
        case .give(let grant):
            "grant \(world.text(grant))"
        case .take(let grant, let byContent):
            "take back \(byContent ? "by content" : "by id") \(world.text(grant))"
        case .exchange(let removed, let added):
            (removed.map { "take back \(world.text($0))" } + added.map { "grant \(world.text($0))" })
                .joined(separator: "; ")
        case .makeProject(let name, let organization):
            "make project \(name) in \(world.name(of: organization))"
        case .makeGroup(let name, let organization, let members):
            "make group \(name) in \(world.name(of: organization)): \(members.text("", world))"
        case .makeRole(let name, let organization, let members):
            "make role \(name) in \(world.name(of: organization)): \(members.text("", world))"
        case .delete(let object):
            "delete \(world.text(object))"
        }
    }
}

extension WorldChange.GroupMembers {
    fileprivate func text(_ sign: String, _ world: World) -> String {
        (users + groups).map { "\(sign)\(world.name(of: $0)) " }.joined()
    }
}

extension WorldChange.RoleMembers {
    fileprivate func text(_ sign: String, _ world: World) -> String {
        (permissions.map(\.description) + roles.map { world.name(of: $0) }).map { "\(sign)\($0), " }.joined()
    }
}
