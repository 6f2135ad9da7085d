import WitanCore
import WitanJSON
import WitanResources

/// A place in a request to an endpoint where an id goes.
struct IDPlace: Sendable, CustomStringConvertible {
    /// A request without its method.
    struct Request: Sendable {
        var path: String
        var body: JSONValue?
    }

    private enum Part: Sendable {
        case path(String)
        case query(String)
        case body([String])
    }

    private let part: Part

    var description: String {
        switch part {
        case .path(let name): "{\(name)}"
        case .query(let name): "?\(name)"
        case .body(let members): members.joined(separator: ".")
        }
    }

    /// The last name on the way to the place.
    var name: String {
        switch part {
        case .path(let name), .query(let name): name
        case .body(let members): members.last { $0 != Self.element } ?? ""
        }
    }

    /// Every place of an endpoint, by its own description.
    static func all(in endpoint: Endpoint) -> [IDPlace] {
        var places = endpoint.parameters.compactMap { parameter -> IDPlace? in
            let isID = parameter.schema.isID || parameter.schema.object?["anyOf"]?.array?.first?.isID == true
            guard isID else { return nil }
            return IDPlace(part: parameter.location == .path ? .path(parameter.name) : .query(parameter.name))
        }
        if let body = endpoint.body { places += members(of: body).map { IDPlace(part: .body($0)) } }
        return places
    }

    private static let element = "[]"

    private static func members(of schema: JSONValue) -> [[String]] {
        guard let object = schema.object else { return [] }
        if schema.isID { return [[]] }
        if let items = object["items"] { return members(of: items).map { [element] + $0 } }
        return object["properties"]?.object?.members
            .flatMap { name, property in members(of: property).map { [name] + $0 } } ?? []
    }

    /// The request with an id here, in place of any other, and of what cannot stand beside it.
    ///
    /// `type` goes into the member or parameter that says what kind of object the id is of.
    func put(_ id: String, of type: ObjectType?, into request: Request) -> Request {
        var request = request
        switch part {
        case .path(let name):
            request.path = request.path.replacing("{\(name)}", with: id)
        case .query(let name):
            let values = [(name, id)] + (type.map { [("object_type", $0.rawValue)] } ?? [])
            let parts = request.path.split(separator: "?", maxSplits: 1)
            let kept = (parts.dropFirst().first ?? "").split(separator: "&")
                .filter { parameter in !values.contains { parameter.hasPrefix("\($0.0)=") } }
            let query = kept.map(String.init) + values.map { "\($0.0)=\($0.1)" }
            request.path = "\(parts[0])?\(query.joined(separator: "&"))"
        case .body(let members):
            request.body = Self.put(id, of: type, at: members[...], in: request.body)
        }
        return request
    }

    private static func put(
        _ id: String,
        of type: ObjectType?,
        at place: ArraySlice<String>,
        in value: JSONValue?
    ) -> JSONValue {
        guard let first = place.first else { return .string(id) }
        let rest = place.dropFirst()
        if first == element { return [put(id, of: type, at: rest, in: value?.array?.first)] }
        var object = value?.object ?? [:]
        object[first] = put(id, of: type, at: rest, in: object[first])
        if rest.isEmpty, let rival = rivals[first] { object[rival] = nil }
        if rest.isEmpty, let type { object["object_type"] = .string(type.rawValue) }
        return .object(object)
    }

    /// The members of a grant of which only one can be given.
    private static let rivals = ["user_id": "group_id", "group_id": "user_id", "role_id": "permission"]
}

extension JSONValue {
    /// Whether a schema is of an id.
    fileprivate var isID: Bool { object?["format"] == "uuid" }
}
