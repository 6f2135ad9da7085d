import WitanCore
import WitanJSON

/// A permission, for all kinds of objects or for one: `read`, `create:project`.
struct RestrictedPermission: Sendable, Hashable, CustomStringConvertible {
    let permission: String
    let type: String?

    /// Reads it from a command line.
    init(parsing text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        permission = (try Words.word(parts[0]) as Permission).rawValue
        type = parts.count == 2 ? (try Words.word(parts[1]) as ObjectType).rawValue : nil
    }

    /// Reads it from a grant, or from an item of a role's `member_permissions`; nil when there is none.
    init?(_ object: JSONObject) {
        guard let permission = object["permission"]?.string else { return nil }
        self.permission = permission
        type = object["restrict_object_type"]?.string
    }

    /// The members of a grant, or of an item of a role's `member_permissions`.
    var json: JSONObject {
        [
            "permission": .string(permission),
            "restrict_object_type": type.map(JSONValue.string) ?? .null,
        ]
    }

    var description: String { permission + (type.map { ":\($0)" } ?? "") }
}
