import WitanCore
import WitanJSON
import WitanResources
import WitanServices

/// An organization in the data of a server that does not run, or of one that does when nothing is changed.
struct StoppedServer: Place {
    private let services: Services
    private let caller: Caller

    /// Acts for an owner of the organization of that name, or of the only one.
    init(_ installation: Installation, organization: String?) async throws {
        services = installation.services
        caller = try await installation.accounts.commandCaller(inOrganization: organization)
    }

    func list(
        _ resource: Resource,
        _ variant: ListRequest.Variant,
        _ query: [(name: String, value: String)]
    ) async throws -> [JSONObject] {
        let request = try ListRequest(query: query, of: resource, variant: variant, limits: Limits())
        return try await services[resource].list(request, variant, for: caller).objects()
    }

    func create(_ resource: Resource, _ body: JSONObject) async throws -> (object: JSONObject, wasFound: Bool) {
        let created = try await services[resource].create(.object(body), for: caller)
        return (created.jsonObject, created.wasFound)
    }

    func patch(_ resource: Resource, _ id: ObjectID, _ body: JSONObject) async throws -> JSONObject {
        try await services[resource].patch(id, .object(body), for: caller).jsonObject
    }

    func delete(_ resource: Resource, _ id: ObjectID) async throws -> JSONObject {
        try await services[resource].delete(id, for: caller).jsonObject
    }

    func delete(_ resource: Resource, like body: JSONObject) async throws -> JSONObject {
        try await services[resource].delete(.object(body), for: caller).jsonObject
    }

    func updateMembers(_ body: JSONObject) async throws -> JSONObject {
        try await services.members.update(MembershipRequest(body: .object(body)), for: caller).json
    }
}

extension ResourceList {
    /// All of it.
    func objects() async throws -> [JSONObject] {
        var (records, rest) = try await first()
        var objects = records.map(\.jsonObject)
        while let current = rest {
            (records, rest) = try await next(current)
            objects += records.map(\.jsonObject)
        }
        return objects
    }
}

extension ResourceService.Created {
    /// The object with what this one answer reveals.
    var jsonObject: JSONObject {
        revealed.reduce(into: record.jsonObject) { $0[$1.name] = .string($1.value) }
    }
}

extension Record {
    /// The record as a JSON object.
    var jsonObject: JSONObject {
        var object = JSONObject()
        for (field, value) in zip(fields, values) { object[field.name] = value.json }
        return object
    }
}
