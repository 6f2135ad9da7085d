import HTTPTypes
import Testing
import WitanCore
import WitanHTTP
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

/// A resource whose contract is checked, with what its declaration alone says about how to.
struct Subject: Sendable, CustomTestStringConvertible {
    let resource: Resource

    var testDescription: String { resource.name }

    /// The catalog, and the tests' own resource after it.
    static let all = (Catalog.all + [Label.resource]).map(Subject.init)

    /// Those that have one of the operations.
    static func having(_ operations: Resource.Operation...) -> [Subject] {
        all.filter { subject in operations.contains { subject.resource.operations[$0] != nil } }
    }

    /// A server of all subjects.
    static func withServer(
        limits: Limits = .unhurried,
        _ body: @Sendable (TestServer) async throws -> Void
    ) async throws {
        var options = TestServer.Options()
        options.resources = all.map(\.resource)
        options.migrations = Migration.all + [Label.migration]
        options.configuration.limits = limits
        try await TestServer.run(options) { server in
            let fixtures = try await [
                Fixture.make(on: server, for: server.owner), .make(on: server, for: server.stranger),
            ]
            try await Fixture.$all.withValue(fixtures) { try await body(server) }
        }
    }

    /// The API document of that server.
    static let document = OpenAPIDocument(resources: all.map(\.resource), version: "test")

    // MARK: Objects

    /// Who sees the objects that `make` makes and may do every operation to them.
    func caller(on server: TestServer) throws -> TestServer.Person {
        resource.scope == .organizations ? try server.session(of: server.owner) : server.owner
    }

    /// Makes objects that the caller sees, each after `step` on the clock.
    func make(_ count: Int, on server: TestServer, step: Duration = .zero) async throws {
        for number in 1...count {
            server.clock.advance(by: step)
            switch resource.scope {
            case .organizations:
                let owner = try NewPerson(email: server.owner.email)
                _ = try await server.accounts.found("Organization \(number)", owner: owner, keyName: nil)
            case .members:
                let person = try NewPerson(
                    email: "person\(number)@acme.test",
                    givenName: "Given \(number % 3)",
                    familyName: "Family"
                )
                _ = try await server.accounts.add(person, to: "Acme", groups: [])
            case .organization where resource.operations.isEmpty:
                // What the server alone writes: each change leaves a row.
                try await Subject(resource: Label.resource).post(number, on: server, as: server.owner)
            case .organization, .person, .grants:
                try await post(number, on: server, as: server.owner)
            }
        }
    }

    private func post(_ number: Int, on server: TestServer, as person: TestServer.Person) async throws {
        let answer = try await server.send(.post, resource.path, as: person, body: .json(body(number, for: person)))
        try #require(answer.status == 200, "\(answer.text)")
    }

    /// The path of a list with the parameters that it needs, for further ones to follow.
    func listPath(for person: TestServer.Person) -> String {
        let object = body(1, for: person).object ?? [:]
        let needed = resource.filters.filter(\.isRequired)
            .map { "\($0.parameter)=\(object[$0.field]?.string ?? "")&" }
        return "\(resource.path)?\(needed.joined())"
    }

    /// The id of an object that the caller sees and may do everything to.
    func ownID(on server: TestServer) async throws -> String {
        if resource.operations[.create] != nil { try await make(1, on: server) }
        let list = try await server.send(.get, listPath(for: server.owner), as: try caller(on: server))
        return try #require(list.ids.first)
    }

    /// The id of an object that only the stranger sees.
    func foreignID(on server: TestServer) async throws -> String {
        if resource.operations[.create] != nil { try await post(1, on: server, as: server.stranger) }
        let path = resource.operations[.list] == nil ? resource.organizationList?.path : listPath(for: server.stranger)
        let list = try await server.send(.get, try #require(path), as: server.stranger)
        return try #require(list.ids.first)
    }

    // MARK: Bodies

    /// The members that an operation's body may have under their own names.
    func writableFields(by operation: Resource.Operation = .create) -> [FieldSpec] {
        resource.fields.filter { $0.isWritable(by: operation) && !excluded.contains($0.name) }
    }

    /// Members that cannot stand beside others that a body has.
    private var excluded: Set<String> {
        resource.name == ACLResource.resource.name ? ["group_id", "role_id"] : []
    }

    /// A body with a value for each member that a caller can set.
    func body(
        _ number: Int,
        by operation: Resource.Operation = .create,
        for person: TestServer.Person? = nil
    ) -> JSONValue {
        var object = JSONObject()
        for field in writableFields(by: operation) {
            object[field.name] = Fixture.value(of: field, in: resource, number, for: person)
        }
        return .object(object)
    }

    /// The same body with one member otherwise.
    func body(replacing name: String, by value: JSONValue?, in operation: Resource.Operation) -> JSONValue {
        var object = body(1, by: operation).object ?? [:]
        object[name] = value
        return .object(object)
    }

    /// The operations that take a body, with the path to send it to.
    func bodied(on server: TestServer) async throws -> [(operation: Resource.Operation, path: String)] {
        var result: [(Resource.Operation, String)] = []
        for operation in [.create, .replace] as [Resource.Operation] where resource.operations[operation] != nil {
            result.append((operation, resource.path))
        }
        if resource.operations[.patch] != nil {
            result.append((.patch, try await "\(resource.path)/\(ownID(on: server))"))
        }
        return result
    }
}

/// What bodies may refer to in one organization.
struct Fixture: Sendable {
    @TaskLocal static var all: [Fixture] = []

    private let organizationID: ObjectID
    private let references: [String: JSONValue]

    /// Makes a service account, and finds a group and a role.
    static func make(on server: TestServer, for person: TestServer.Person) async throws -> Fixture {
        let invited = try await server.send(
            .patch,
            "/v1/organization/members",
            as: person,
            body: #"{"invite_users":{"service_accounts":[{"name":"robot"}]}}"#
        )
        let account = try #require(invited["added_users"]?.array?.first?.object?["id"])
        let group = try await server.send(.get, "/v1/group?group_name=Viewers", as: person)
        let role = try await server.send(.get, "/v1/role?role_name=Viewer", as: person)
        return Fixture(
            organizationID: person.organizationID,
            references: [
                "user": account, "group": .string(try #require(group.ids.first)),
                "role": .string(try #require(role.ids.first)),
            ]
        )
    }

    /// A value of a field that the organization of `person`, or the first one, can have; another for each number where
    /// there are so many.
    static func value(
        of field: FieldSpec,
        in resource: Resource,
        _ number: Int,
        for person: TestServer.Person? = nil
    ) -> JSONValue {
        let fixture = all.first { $0.organizationID == person?.organizationID } ?? all[0]
        switch (resource.scope, field.name) {
        case (.grants, "object_type"): return "organization"
        case (.grants, "object_id"): return .string(fixture.organizationID.description)
        default: break
        }
        switch field.kind {
        case .reference(let name): return fixture.references[name] ?? .null
        case .list(.reference(let name)): return .array([fixture.references[name] ?? .null])
        default: return field.sample(number)
        }
    }
}

extension Resource.Operation {
    /// The method that stands for it.
    var method: HTTPRequest.Method {
        switch self {
        case .list, .get: .get
        case .create: .post
        case .replace: .put
        case .patch: .patch
        case .delete: .delete
        }
    }

    /// Whether its path ends in an id.
    var takesID: Bool { [.get, .patch, .delete].contains(self) }
}

extension FieldSpec {
    /// A value that fits, another for each number where there are so many.
    func sample(_ number: Int) -> JSONValue {
        switch kind {
        case .text: .string("\(name) \(number)")
        case .choice(let choices): .string(choices[number % choices.count])
        case .email: .string("person\(number)@example.com")
        case .flag: .bool(number % 2 == 0)
        case .count: .number(JSONNumber(number))
        case .object: ["number": .number(JSONNumber(number)), "nested": ["a": [1, 2]]]
        case .structure(let members):
            .object(members.reduce(into: JSONObject()) { $0[$1.name] = $1.sample(number) })
        case .list(let kind): [FieldSpec(name: name, kind: kind, summary: summary).sample(number)]
        case .id, .reference: .string("01890000-0000-7000-8000-000000000000")
        case .timestamp: "2026-01-31T12:00:00.000Z"
        }
    }

    /// Values that do not fit.
    var misfits: [JSONValue] {
        switch kind {
        case .text(let maximum):
            [1, true, [], [:], "a\0b", .string(String(repeating: "é", count: maximum + 1))]
                + (minimumCharacters > 0 ? [""] : [])
        case .choice: ["no choice", "", 1, []]
        case .email: ["no address", "", 1, []]
        case .flag: ["true", 1, 0, []]
        case .count: ["1", true]
        case .object: ["text", 1, true, []]
        case .structure: ["text", 1, true, [], ["nope": 1]]
        case .list: ["text", 1, true, [:], [[]], ["x"]]
        case .id, .reference: ["no id", "", 1]
        case .timestamp: ["yesterday", 1]
        }
    }
}

extension JSONValue {
    /// The value as compact JSON, for comparisons that show what differs.
    var compact: String { JSONWriter.string(of: self) }
}

extension JSONObject {
    /// The object as compact JSON.
    var compact: String { JSONValue.object(self).compact }
}
