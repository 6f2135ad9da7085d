import WitanCore
import WitanJSON

/// Judges values by the JSON Schemas of the server's own API document.
struct Schema {
    let value: JSONValue
    let document: JSONValue

    /// The schema without the reference that it may be.
    var resolved: Schema {
        guard let reference = value.object?["$ref"]?.string else { return self }
        let target = reference.split(separator: "/").dropFirst()
            .reduce(document as JSONValue?) { $0?.object?[String($1)] }
        return Schema(value: target ?? .null, document: document)
    }

    /// The names of an object's members, in the schema's order.
    var memberNames: [String] { resolved["properties"]?.object?.members.map(\.name) ?? [] }

    /// What is wrong with a value, each with its place; empty when it fits.
    func problems(with instance: JSONValue, at place: String = "$") -> [String] {
        let schema = resolved
        guard schema.value.object != nil else { return ["\(place) has no schema"] }
        if let choices = schema["anyOf"]?.array {
            let fits = choices.contains { Schema(value: $0, document: document).problems(with: instance).isEmpty }
            return fits ? [] : ["\(place) fits none of the schemas"]
        }
        var problems: [String] = []
        let types = schema["type"]?.array ?? schema["type"].map { [$0] } ?? []
        if !types.isEmpty, !types.contains(where: { Self.kind(of: instance, is: $0.string) }) {
            problems.append("\(place) is of kind \(instance.kindName)")
        }
        if let choices = schema["enum"]?.array, !choices.contains(instance) {
            problems.append("\(place) is none of the choices")
        }
        switch instance {
        case .string(let text):
            if schema["format"]?.string == "uuid", ObjectID(text)?.description != text {
                problems.append("\(place) is no UUID in lower case")
            }
            if schema["format"]?.string == "date-time", Timestamp(rfc3339: text)?.rfc3339 != text {
                problems.append("\(place) is no time in the one form")
            }
        case .array(let elements):
            guard let items = schema["items"] else { break }
            for (index, element) in elements.enumerated() {
                problems += Schema(value: items, document: document).problems(with: element, at: "\(place)[\(index)]")
            }
        case .object(let object):
            for name in schema["required"]?.array ?? [] where object[name.string ?? ""] == nil {
                problems.append("\(place).\(name.string ?? "") is missing")
            }
            for (name, member) in object.members {
                if let property = schema["properties"]?.object?[name] {
                    problems += Schema(value: property, document: document)
                        .problems(with: member, at: "\(place).\(name)")
                } else if schema["properties"] != nil {
                    problems.append("\(place).\(name) is not declared")
                }
            }
        default:
            break
        }
        return problems
    }

    private subscript(keyword: String) -> JSONValue? { value.object?[keyword] }

    private static func kind(of instance: JSONValue, is type: String?) -> Bool {
        switch type {
        case "integer": instance.int != nil
        default: instance.kindName == type
        }
    }
}
