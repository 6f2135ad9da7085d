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
    static let all = (Catalog.all + [Role.resource]).map(Subject.init)

    /// Those that have one of the operations.
    static func having(_ operations: Resource.Operation...) -> [Subject] {
        all.filter { subject in operations.contains { subject.resource.operations[$0] != nil } }
    }

    /// A server of all subjects.
    static func withServer(
        limits: Limits = Limits(),
        _ body: @Sendable (TestServer) async throws -> Void
    ) async throws {
        var options = TestServer.Options()
        options.resources = all.map(\.resource)
        options.migrations = Migration.all + [Role.migration]
        options.configuration.limits = limits
        try await TestServer.run(options, body)
    }

    /// The API document of that server.
    static let document = OpenAPIDocument(resources: all.map(\.resource), version: "test")

    // MARK: Objects

    /// Who sees the objects that `make` makes and may do every operation to them.
    func caller(on server: TestServer) throws -> TestServer.Person {
        resource.scope == .ownOrganizations ? try server.session(of: server.owner) : server.owner
    }

    /// Makes objects that the caller sees, each after `step` on the clock.
    func make(_ count: Int, on server: TestServer, step: Duration = .zero) async throws {
        for number in 1...count {
            server.clock.advance(by: step)
            switch resource.scope {
            case .ownOrganizations:
                let owner = try AccountService.Person(email: server.owner.email)
                _ = try await server.accounts.found("Organization \(number)", owner: owner, keyName: nil)
            case .fellowMembers:
                let person = try AccountService.Person(
                    email: "person\(number)@acme.test",
                    givenName: "Given \(number % 3)",
                    familyName: "Family"
                )
                _ = try await server.accounts.add(person, to: "Acme", isOwner: false)
            case .organization, .person:
                let answer = try await server.send(.post, resource.path, as: server.owner, body: .json(body(number)))
                try #require(answer.status == 200, "\(answer.text)")
            }
        }
    }

    /// The id of an object that the caller sees.
    func ownID(on server: TestServer) async throws -> String {
        if resource.operations[.create] != nil { try await make(1, on: server) }
        let list = try await server.send(.get, resource.path, as: try caller(on: server))
        return try #require(list.ids.first)
    }

    /// The id of an object that only the stranger sees.
    func foreignID(on server: TestServer) async throws -> String {
        if resource.operations[.create] != nil {
            let answer = try await server.send(.post, resource.path, as: server.stranger, body: .json(body(1)))
            try #require(answer.status == 200, "\(answer.text)")
        }
        let list = try await server.send(.get, resource.path, as: server.stranger)
        return try #require(list.ids.first)
    }

    // MARK: Bodies

    var writableFields: [FieldSpec] { resource.fields.filter { !$0.isReadOnly } }

    /// A body with a value for each member that a caller can set.
    func body(_ number: Int) -> JSONValue {
        var object = JSONObject()
        for field in writableFields { object[field.name] = field.sample(number) }
        return .object(object)
    }

    /// The same body with one member otherwise.
    func body(replacing name: String, by value: JSONValue?) -> JSONValue {
        var object = body(1).object ?? [:]
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
        case .flag: .bool(number % 2 == 0)
        case .object: ["number": .number(JSONNumber(number)), "nested": ["a": [1, 2]]]
        case .id, .reference: .string("01890000-0000-7000-8000-000000000000")
        case .timestamp: "2026-01-31T12:00:00.000Z"
        }
    }

    /// Values that do not fit.
    var misfits: [JSONValue] {
        switch kind {
        case .text(let maximum):
            [1, true, [], [:], "a\0b", .string(String(repeating: "é", count: maximum + 1))] + (isRequired ? [""] : [])
        case .choice: ["no choice", "", 1, []]
        case .flag: ["true", 1, 0, []]
        case .object: ["text", 1, true, []]
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
