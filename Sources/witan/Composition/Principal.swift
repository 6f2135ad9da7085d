import ArgumentParser
import WitanJSON

/// Who gets something, as a person names them: `ada@example.com`, `group:Interns`, `service-account:ci`.
struct Principal: Sendable, Hashable, ExpressibleByArgument, CustomStringConvertible {
    /// The forms, for help.
    static let forms = "an e-mail address, group:NAME or service-account:NAME"

    /// The words as they were given.
    let description: String

    init(argument: String) {
        description = argument
    }

    /// A user by their object.
    init(user: JSONObject) {
        let kind: NamedKind = user.isServiceAccount ? .serviceAccount : .member
        self.init(argument: kind.prefix + (kind.name(of: user) ?? "-"))
    }

    /// Whether it is a group rather than a user.
    var isGroup: Bool { description.hasPrefix(NamedKind.group.prefix) }

    /// Whether it is a service account rather than a person.
    var isServiceAccount: Bool { description.hasPrefix(NamedKind.serviceAccount.prefix) }

    /// What kind of object it is.
    var kind: NamedKind { isGroup ? .group : isServiceAccount ? .serviceAccount : .member }

    /// Its name within the kind.
    var name: String { String(description.dropFirst(kind.prefix.count)) }
}

extension Place {
    /// The user or group that a person names.
    func find(_ principal: Principal) async throws -> NamedObject {
        try await find(principal.kind, principal.name)
    }

    /// The ids of the users and of the groups that a person names.
    func find(_ principals: [Principal]) async throws -> (users: JSONValue, groups: JSONValue) {
        var users: [JSONValue] = []
        var groups: [JSONValue] = []
        for principal in principals {
            let reference = try await find(principal).reference
            if principal.isGroup { groups.append(reference) } else { users.append(reference) }
        }
        return (.array(users), .array(groups))
    }
}
