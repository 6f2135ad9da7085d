import WitanJSON

/// JSON Schemas (2020-12) that several endpoints are described with.
enum Schema {
    static let text: JSONValue = ["type": "string"]
    static let nullableText: JSONValue = ["type": ["string", "null"]]
    static let uuid: JSONValue = ["type": "string", "format": "uuid"]

    /// An object that always has all of the members, as answers do.
    static func object(_ members: [(name: String, schema: JSONValue)]) -> JSONValue {
        [
            "type": "object",
            "properties": properties(members),
            "required": .array(members.map { .string($0.name) }),
        ]
    }

    private static func properties(_ members: [(name: String, schema: JSONValue)]) -> JSONValue {
        var properties = JSONObject()
        for (name, schema) in members { properties[name] = schema }
        return .object(properties)
    }
}
