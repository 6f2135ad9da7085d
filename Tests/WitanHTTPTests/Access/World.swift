import WitanCore
import WitanResources

/// Organizations with their people, groups, roles, projects and grants, as plain values: what a database should hold.
///
/// Everything is in arrays, so that a seed chooses the same each time.
struct World {
    struct Organization {
        let id: ObjectID
        let name: String
        let grantsOwnership: Bool
        var members: [ObjectID]
    }

    struct Principal {
        let id: ObjectID
        let email: String
        let serviceOrganization: ObjectID?
    }

    struct Group {
        let id: ObjectID
        let organization: ObjectID
        let name: String
        let builtIn: BuiltInGroup?
        var users: [ObjectID] = []
        var groups: [ObjectID] = []
    }

    struct Role {
        let id: ObjectID
        /// nil for a system role.
        let organization: ObjectID?
        let name: String
        var permissions: [Allowance] = []
        var roles: [ObjectID] = []
    }

    struct Project {
        let id: ObjectID
        let organization: ObjectID
        let name: String
    }

    /// A permission for all kinds of objects, or for one.
    struct Allowance: Hashable {
        let permission: Permission
        let type: ObjectType?
    }

    struct Object: Hashable {
        let type: ObjectType
        let id: ObjectID
        let organization: ObjectID
    }

    enum Gift: Hashable {
        case allowance(Allowance)
        case role(ObjectID)
    }

    struct Grant: Hashable {
        let object: Object
        /// A user or a group.
        let principal: ObjectID
        let gift: Gift
    }

    /// What makes the same world again, with the same changes: `WITAN_SEED=…`.
    let seed: UInt64

    /// Who makes all changes: an owner of each organization who stays that.
    let keeper: ObjectID

    var organizations: [Organization] = []
    var principals: [Principal] = []
    var groups: [Group] = []
    var roles: [Role] = Self.systemRoles
    var projects: [Project] = []
    var grants: [Grant] = []

    /// The changes that have made the world what it is, for whoever reads about a wrong answer.
    var history: [String] = []

    /// How many things have got a name, so that none gets another's.
    var names = 0
}

extension World {
    func group(_ id: ObjectID) -> Group? { groups.first { $0.id == id } }

    func role(_ id: ObjectID) -> Role? { roles.first { $0.id == id } }

    /// Everything that grants are given on.
    var objects: [Object] {
        organizations.flatMap { organization in
            [ObjectType.organization, .orgProject, .orgMember, .orgAuditLogs]
                .map { Object(type: $0, id: organization.id, organization: organization.id) }
        }
            + projects.map { Object(type: .project, id: $0.id, organization: $0.organization) }
            + groups.map { Object(type: .group, id: $0.id, organization: $0.organization) }
            + roles.compactMap { role in
                role.organization.map { Object(type: .role, id: role.id, organization: $0) }
            }
    }

    mutating func name(_ kind: String) -> String {
        names += 1
        return "\(kind)\(names)"
    }

    /// Whether a group holds another, or is it.
    func group(_ id: ObjectID, holds other: ObjectID) -> Bool {
        id == other || (group(id)?.groups ?? []).contains { group($0, holds: other) }
    }

    /// Whether a role takes from another, or is it.
    func role(_ id: ObjectID, takesFrom other: ObjectID) -> Bool {
        id == other || (role(id)?.roles ?? []).contains { role($0, takesFrom: other) }
    }

    // MARK: What every organization has

    /// The table of the design page, section 1.
    private static let systemRoles: [Role] = {
        let contents: [ObjectType] = [
            .orgProject, .project, .experiment, .dataset, .prompt, .promptSession, .projectLog,
        ]
        let seen = [.organization, .orgMember, .group, .role] + contents
        let reading = seen.map { Allowance(permission: .read, type: $0) }
        let working = contents.flatMap { type in
            [Permission.create, .update, .delete].map { Allowance(permission: $0, type: type) }
        }
        return [
            Role(
                id: SystemRole.owner.id,
                organization: nil,
                name: "Owner",
                permissions: Permission.allCases.map { Allowance(permission: $0, type: nil) }
            ),
            Role(id: SystemRole.engineer.id, organization: nil, name: "Engineer", permissions: reading + working),
            Role(id: SystemRole.viewer.id, organization: nil, name: "Viewer", permissions: reading),
        ]
    }()
}

// MARK: In words

extension World: CustomStringConvertible {
    var description: String {
        var lines = ["WITAN_SEED=\(seed)"] + history.map { "change: \($0)" }
        for organization in organizations {
            lines.append("organization \(organization.name): \(text(organization.members))")
            if !organization.grantsOwnership { lines.append("  makers do not own what they make") }
            for group in groups where group.organization == organization.id {
                lines.append("  group \(group.name): \(text(group.users + group.groups))")
            }
            for role in roles where role.organization == organization.id {
                let items = role.permissions.map(\.description) + role.roles.map { "role \(name(of: $0))" }
                lines.append("  role \(role.name): \(items.joined(separator: ", "))")
            }
            for project in projects where project.organization == organization.id {
                lines.append("  project \(project.name)")
            }
            for grant in grants where grant.object.organization == organization.id {
                lines.append("  grant \(text(grant))")
            }
        }
        return lines.joined(separator: "\n")
    }

    func text(_ grant: Grant) -> String {
        let gift =
            switch grant.gift {
            case .allowance(let allowance): allowance.description
            case .role(let role): "role \(name(of: role))"
            }
        return "to \(name(of: grant.principal)): \(gift) on \(text(grant.object))"
    }

    func text(_ object: Object) -> String { "\(object.type.rawValue):\(name(of: object.id))" }

    func text(_ ids: [ObjectID]) -> String { ids.map { name(of: $0) }.joined(separator: ", ") }

    func name(of id: ObjectID) -> String {
        if let principal = principals.first(where: { $0.id == id }) { return principal.email }
        return organizations.first { $0.id == id }?.name ?? group(id)?.name ?? role(id)?.name
            ?? projects.first { $0.id == id }?.name ?? id.description
    }
}

extension World.Allowance: CustomStringConvertible {
    var description: String { permission.rawValue + (type.map { " for \($0.rawValue)" } ?? "") }
}
