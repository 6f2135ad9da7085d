package import WitanCore
package import WitanJSON
package import WitanStorage

/// Why somebody holds a permission on an object, or why not.
package struct Explanation: Sendable {
    /// A group or a role.
    package struct Named: Sendable, Hashable {
        /// Its id.
        package let id: ObjectID

        /// Its name.
        package let name: String
    }

    /// A grant on the object or on what it is in, and how the permission comes from it to the user.
    package struct Way: Sendable {
        /// The grant.
        package let grant: StoredGrant

        /// What it is given on: `org_project:Acme`.
        package let object: String

        /// The groups from one that the user is in up to the one that it is given to; empty when it is the user's own.
        package let groups: [Named]

        /// The roles from the one that is given down to the one that has the permission; empty when none is given.
        package let roles: [Named]

        /// The kinds of objects that the permission is for; empty for all.
        package let types: [ObjectType]
    }

    /// Who was asked about.
    package let user: Account

    /// The permission that was asked about.
    package let permission: Permission

    /// What it was asked about.
    package let object: AccessObject

    /// The kind of objects that it was asked for: the object's own, or one of those in it.
    package let type: ObjectType

    /// The name of the object's organization.
    package let organization: String

    /// Whether the user is in the organization; nobody else holds anything in it.
    package let isMember: Bool

    /// The groups of the organization that hold the user, by name.
    package let groups: [Named]

    /// Where a grant would count: the object and what it is in, nearest first: `project:Support`, `org_project:Acme`.
    package let places: [String]

    /// The ways by which the user holds it, one for each grant, the nearest objects' first.
    package let ways: [Way]

    /// The ways by which they would hold it, were it not for other kinds of objects alone.
    package let nearMisses: [Way]

    /// Whether the user holds it.
    package var isAllowed: Bool { !ways.isEmpty }
}

// MARK: For people

extension Explanation {
    /// The answer, a line, and its reasons, a line each; names in them may hold any character.
    package var text: [String] {
        let what = "\(permission.rawValue)\(type == object.type ? "" : " for \(type.rawValue)") on \(places[0])"
        let place = object.isOrganizationWide ? "" : " in \(organization)"
        if isAllowed {
            return ["Yes: \(user.email) holds \(what)\(place)."] + ways.map { "By \(describe($0))." }
        }
        return ["No: \(user.email) does not hold \(what)\(place).", missing]
            + nearMisses.map { "Not by \(describe($0)): it is not for \(type.rawValue)." }
    }

    private var missing: String {
        guard isMember else { return "They are not a member of \(organization)." }
        let principals =
            groups.isEmpty ? "them" : "them or to their groups (\(groups.map(\.name).joined(separator: ", ")))"
        return "It is not granted to \(principals) on \(places.joined(separator: ", on "))."
    }

    private func describe(_ way: Way) -> String {
        let types = way.types.map(\.rawValue).joined(separator: ", ")
        let what = permission.rawValue + (types.isEmpty ? "" : " for \(types)")
        let role = way.roles.isEmpty ? "" : "role \(Self.arrow(way.roles)) with "
        let source = way.groups.isEmpty ? "is granted to them" : "they have by group \(Self.arrow(way.groups))"
        return "\(role)\(what) on \(way.object), which \(source) (grant \(way.grant.id))"
    }

    private static func arrow(_ names: [Named]) -> String { names.map(\.name).joined(separator: " → ") }
}

// MARK: For programs

extension Explanation {
    /// The answer and its reasons.
    package var json: JSONValue {
        [
            "allowed": .bool(isAllowed),
            "user": ["id": .string(user.userID.description), "email": .string(user.email)],
            "permission": .string(permission.rawValue),
            "object": [
                "object_type": .string(object.type.rawValue), "object_id": .string(object.id.description),
                "org_id": .string(object.organizationID.description), "org_name": .string(organization),
            ],
            "for_object_type": .string(type.rawValue),
            "is_member": .bool(isMember),
            "groups": .array(groups.map(\.json)),
            "places": .array(places.map(JSONValue.string)),
            "grants": .array(ways.map(\.json)),
            "restricted_grants": .array(nearMisses.map(\.json)),
        ]
    }
}

extension Explanation.Named {
    fileprivate var json: JSONValue { ["id": .string(id.description), "name": .string(name)] }
}

extension Explanation.Way {
    fileprivate var json: JSONValue {
        let principal = JSONValue.string(grant.principal.description)
        return [
            "id": .string(grant.id.description),
            "object_type": .string(grant.object.type.rawValue),
            "object_id": .string(grant.object.id.description),
            "user_id": grant.isToGroup ? nil : principal,
            "group_id": grant.isToGroup ? principal : nil,
            "permission": grant.permission.map { .string($0.rawValue) } ?? nil,
            "role_id": grant.roleID.map { .string($0.description) } ?? nil,
            "for_object_types": .array(types.map { .string($0.rawValue) }),
            "groups": .array(groups.map(\.json)),
            "roles": .array(roles.map(\.json)),
        ]
    }
}
