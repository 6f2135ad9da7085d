import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

/// Whom a grant is for.
enum Principal: Sendable {
    case user(TestServer.Person)
    case group(String)
}

/// What a grant gives.
enum Gift: Sendable {
    case permission(Permission, for: ObjectType? = nil)
    case role(String)

    static let owner = Gift.role(SystemRole.owner.id.description)
    static let engineer = Gift.role(SystemRole.engineer.id.description)
    static let viewer = Gift.role(SystemRole.viewer.id.description)
}

extension TestServer {
    /// The id of the organization `Acme`.
    var acme: String { owner.organizationID.description }

    /// Sends a request with a JSON body.
    func call(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: JSONValue? = nil,
        as person: Person? = nil,
        headers: KeyValuePairs<String, String> = [:]
    ) async throws -> Answer {
        try await send(method, path, as: person ?? owner, headers: headers, body: body.map(Body.json))
    }

    /// Sends a request that must succeed; by the owner when nobody is named.
    @discardableResult
    func succeed(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: JSONValue? = nil,
        as person: Person? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        let answer = try await call(method, path, body, as: person)
        try #require(answer.status == 200, "\(method) \(path): \(answer.text)", sourceLocation: sourceLocation)
        return answer
    }

    /// Makes an object of a resource and returns its id.
    func make(_ noun: String, _ body: JSONValue, as person: Person? = nil) async throws -> String {
        try #require(try await succeed(.post, "/v1/\(noun)", body, as: person)["id"]?.string)
    }

    /// Makes a project and returns its id.
    func project(_ name: String, as person: Person? = nil) async throws -> String {
        try await make("project", ["name": .string(name)], as: person)
    }

    /// Makes a group with these members and returns its id.
    func group(
        _ name: String,
        users: [Person] = [],
        groups: [String] = [],
        as person: Person? = nil
    ) async throws -> String {
        try await make(
            "group",
            [
                "name": .string(name), "member_users": .ids(users), "member_groups": .ids(groups),
            ],
            as: person
        )
    }

    /// Makes a role with these permissions and returns its id.
    func role(
        _ name: String,
        _ permissions: [Permission] = [],
        roles: [String] = [],
        as person: Person? = nil
    ) async throws -> String {
        try await make(
            "role",
            [
                "name": .string(name), "member_permissions": .permissions(permissions), "member_roles": .ids(roles),
            ],
            as: person
        )
    }

    /// The id of one of Acme's built-in groups.
    func builtIn(_ group: BuiltInGroup) async throws -> String {
        try #require(try await succeed(.get, "/v1/group?group_name=\(group.name)").ids.first)
    }

    /// Gives a grant and returns its id.
    @discardableResult
    func grant(_ gift: Gift, on type: ObjectType, _ id: String, to principal: Principal) async throws -> String {
        try await make("acl", .grant(gift, on: type, id, to: principal))
    }

    /// What somebody can do with a project, as the statuses of reading and of changing it.
    func reach(_ project: String, as person: Person) async throws -> [Int] {
        let read = try await call(.get, "/v1/project/\(project)", as: person)
        let update = try await call(.patch, "/v1/project/\(project)", ["description": "changed"], as: person)
        return [read.status, update.status]
    }

    /// The ids of everything that a list gives somebody, page by page.
    func walk(_ path: String, as person: Person, limit: Int = 3) async throws -> [String] {
        let separator = path.contains("?") ? "&" : "?"
        var ids: [String] = []
        while true {
            let after = ids.last.map { "&starting_after=\($0)" } ?? ""
            let page = try await succeed(.get, "\(path)\(separator)limit=\(limit)\(after)", as: person).ids
            guard !page.isEmpty else { return ids }
            ids += page
        }
    }
}

extension JSONValue {
    /// The ids of people.
    static func ids(_ people: [TestServer.Person]) -> JSONValue { .ids(people.map(\.id.description)) }

    /// Some ids.
    static func ids(_ ids: [String]) -> JSONValue { .array(ids.map(JSONValue.string)) }

    /// The `member_permissions` of a role, for all types of objects.
    static func permissions(_ permissions: [Permission]) -> JSONValue {
        .array(permissions.map { ["permission": .string($0.rawValue)] })
    }

    /// The body of a grant.
    static func grant(_ gift: Gift, on type: ObjectType, _ id: String, to principal: Principal) -> JSONValue {
        var body: JSONObject = ["object_type": .string(type.rawValue), "object_id": .string(id)]
        switch principal {
        case .user(let person): body["user_id"] = .string(person.id.description)
        case .group(let id): body["group_id"] = .string(id)
        }
        switch gift {
        case .permission(let permission, let type):
            body["permission"] = .string(permission.rawValue)
            if let type { body["restrict_object_type"] = .string(type.rawValue) }
        case .role(let id):
            body["role_id"] = .string(id)
        }
        return .object(body)
    }
}
