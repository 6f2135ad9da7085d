import WitanCore
import WitanJSON
import WitanResources
import WitanServices

/// An organization that a command works on: by the services on a stopped server's data, or by a running one's API.
///
/// Either way the same rules hold, and the same answers come back.
protocol Place: Sendable {
    /// Every object of a list that a query of the API narrows, newest first.
    func list(
        _ resource: Resource,
        _ variant: ListRequest.Variant,
        _ query: [(name: String, value: String)]
    ) async throws -> [JSONObject]

    /// Makes an object, or finds the one of its natural key.
    func create(_ resource: Resource, _ body: JSONObject) async throws -> (object: JSONObject, wasFound: Bool)

    /// Changes the members that the body has.
    func patch(_ resource: Resource, _ id: ObjectID, _ body: JSONObject) async throws -> JSONObject

    /// Deletes an object and gives it as it was.
    func delete(_ resource: Resource, _ id: ObjectID) async throws -> JSONObject

    /// Deletes the object of a content and gives it as it was.
    func delete(_ resource: Resource, like body: JSONObject) async throws -> JSONObject

    /// Adds and removes members: `PATCH /v1/organization/members`.
    func updateMembers(_ body: JSONObject) async throws -> JSONObject
}

extension Place {
    /// Every object that the caller can see.
    func list(_ resource: Resource, _ query: [(name: String, value: String)] = []) async throws -> [JSONObject] {
        try await list(resource, .own, query)
    }

    /// The objects of these ids, of which those that are not there or not visible are left out.
    func list(_ resource: Resource, ids: some Sequence<String>) async throws -> [JSONObject] {
        let ids = Array(Set(ids))
        var objects: [JSONObject] = []
        // So many that they fit into the head of a request.
        for start in stride(from: 0, to: ids.count, by: 200) {
            objects += try await list(resource, [("ids", ids[start...].prefix(200).joined(separator: ","))])
        }
        return objects
    }

    /// The object that a person names, by its id or its name.
    ///
    /// - Throws: `.notFound` with how to see the names that there are.
    func find(_ kind: NamedKind, _ name: String) async throws -> NamedObject {
        if let id = ObjectID(name), let object = try await list(kind.resource, ids: [id.description]).first,
            kind.includes(object)
        {
            return NamedObject(id: id, json: object)
        }
        // Addresses are compared as they are stored, in lower case.
        let name = kind.member == "email" ? name.lowercased() : name
        let objects = try await list(kind.resource, kind.parameter.map { [($0, name)] } ?? [])
        guard let object = objects.first(where: { kind.name(of: $0) == name && kind.includes($0) }), let id = object.id
        else { throw kind.missing(name) }
        return NamedObject(id: id, json: object)
    }

    /// The objects that a person names.
    func find(_ kind: NamedKind, _ names: [String]) async throws -> [NamedObject] {
        var objects: [NamedObject] = []
        for name in names { objects.append(try await find(kind, name)) }
        return objects
    }

    /// The object that a person names as one to give something on.
    func find(_ reference: ObjectReference) async throws -> NamedObject {
        guard let kind = NamedKind(reference.type) else {
            throw Failure(.notFound, "This server keeps no objects of the kind \(reference.type.rawValue).")
        }
        return try await find(kind, reference.name)
    }

    /// What people call the objects of these ids.
    func names(of kind: NamedKind, ids: some Sequence<String>) async throws -> [String: String] {
        kind.names(of: try await list(kind.resource, ids: ids))
    }
}

/// An object that was found by its name.
struct NamedObject: Sendable {
    let id: ObjectID
    let json: JSONObject

    /// Its id as a body names it.
    var reference: JSONValue { .string(id.description) }
}

extension JSONObject {
    /// The member `id`.
    var id: ObjectID? { self["id"]?.string.flatMap { ObjectID($0) } }

    /// The ids, or other texts, of a member that lists them.
    func texts(_ name: String) -> [String] { self[name]?.array?.compactMap(\.string) ?? [] }
}
