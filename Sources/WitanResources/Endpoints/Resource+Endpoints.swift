import WitanCore
package import WitanJSON

extension Resource {
    /// The endpoints that its declaration makes, each operation's and the OPTIONS of each path.
    package var endpoints: [Endpoint] {
        var endpoints = Operation.allCases.filter { operations[$0] != nil }.map(endpoint)
        if let bodyDeletionEndpoint { endpoints.append(bodyDeletionEndpoint) }
        if let organizationListEndpoint { endpoints.append(organizationListEndpoint) }
        for path in Set(endpoints.map(\.path)).sorted() {
            endpoints.append(.crossOrigin(path, parameters: path.hasSuffix("}") ? [idPathParameter] : []))
        }
        return endpoints
    }

    /// The endpoint of one operation.
    package func endpoint(_ operation: Operation) -> Endpoint {
        let reference: JSONValue = ["$ref": .string("#/components/schemas/\(schemaName)")]
        let takesID = [.get, .patch, .delete].contains(operation)
        let text = texts(operation)
        return Endpoint(
            method: method(operation),
            path: takesID ? "\(path)/{\(idParameter)}" : path,
            operationID: operationID(operation),
            tag: tag,
            summary: text.summary,
            description: [text.description, remarks[operation]].compactMap(\.self).joined(separator: " "),
            parameters: operation == .list ? listParameters(.own) : takesID ? [idPathParameter] : [],
            body: bodySchema(operation),
            mergePatchBody: operation == .patch ? bodySchema(.patch, null: .clear) : nil,
            canConflict: [.create, .replace, .patch].contains(operation) && hasUniqueNames,
            answer: operation == .list
                ? .json(pageSchema, summary: "A page of \(name) objects")
                : [.create, .replace].contains(operation) && createdSchema != nil
                    ? .json(
                        ["$ref": .string("#/components/schemas/Create\(schemaName)Output")],
                        summary: "The new \(name) object, with its secret"
                    )
                    : .json(reference, summary: text.answer)
        )
    }

    /// The schema of the answer to a create, when it differs from the object's own.
    package var createdSchema: JSONValue? {
        secretMember.map { schema(adding: [($0, "The secret itself, shown this once")]) }
    }

    /// The schema of the object.
    package func schema(adding extra: [(name: String, summary: String)] = []) -> JSONValue {
        var properties = JSONObject()
        for field in fields where field.presence != .never { properties[field.name] = field.schema }
        for (name, summary) in extra {
            properties[name] = ["type": "string", "description": .string(summary)]
        }
        let required = fields.filter { !$0.isNullable }.map(\.name) + extra.map(\.name)
        return [
            "type": "object",
            "properties": .object(properties),
            "required": .array(required.map(JSONValue.string)),
        ]
    }

    /// The query parameters of a list.
    package func listParameters(_ variant: ListRequest.Variant) -> [Endpoint.Parameter] {
        let uuid: JSONValue = ["type": "string", "format": "uuid"]
        let text: JSONValue = ["type": "string", "pattern": .string(FieldSpec.pattern)]
        let moment: JSONValue = ["type": "string", "format": "date-time"]
        func query(_ name: String, _ summary: String, _ schema: JSONValue) -> Endpoint.Parameter {
            Endpoint.Parameter(name, in: .query, summary, schema: schema)
        }
        func several(_ schema: JSONValue) -> JSONValue {
            ["anyOf": [schema, ["type": "array", "items": schema]]]
        }
        var parameters = [
            query(
                "limit",
                "The greatest number of objects to return; all without it",
                ["type": "integer", "minimum": 0]
            ),
            query("starting_after", "The id of the last object of the page before; not with `ending_before`", uuid),
            query("ending_before", "The id of the first object of the page after; not with `starting_after`", uuid),
            query("ids", "Only these ids; repeat the parameter for several", several(uuid)),
        ]
        for filter in filters {
            let repeated = filter.isRepeatable ? "; repeat the parameter for several" : ""
            let value = filterSchema(filter) ?? text
            var parameter = query(
                filter.parameter,
                "Only objects whose `\(filter.field)` is exactly this\(repeated)",
                filter.isRepeatable ? several(value) : value
            )
            parameter.isRequired = filter.isRequired && variant == .own
            parameters.append(parameter)
        }
        parameters.append(query("org_name", "Only objects of the organization with this name", text))
        if variant == .ofOrganization {
            parameters.append(query("org_id", "Only objects of the organization with this id", uuid))
            parameters.append(query("created_after", "Only objects made after this moment", moment))
            parameters.append(query("created_before", "Only objects made before this moment", moment))
        }
        return parameters
    }

    /// The schema of a filter's value where the field has one of a few; nil for a text of any kind.
    private func filterSchema(_ filter: Filter) -> JSONValue? {
        switch fields.first(where: { $0.name == filter.field })?.kind {
        case .id, .reference: ["type": "string", "format": "uuid"]
        case .choice(let choices): ["type": "string", "enum": .array(choices.map(JSONValue.string))]
        default: nil
        }
    }

    /// The endpoint of the list of one organization's rows, if the resource has one.
    package var organizationListEndpoint: Endpoint? {
        guard let organizationList else { return nil }
        return Endpoint(
            method: .get,
            path: organizationList.path,
            operationID: "getOrganization\(schemaName)s",
            tag: tag,
            summary: "List an organization's \(name)s",
            description:
                """
                List every \(name) of an organization, newest first. It takes `\(organizationList.permission.rawValue)` on \
                the organization's `\(organizationList.objectType.rawValue)`.
                """,
            parameters: listParameters(.ofOrganization),
            answer: .json(organizationList.isBareArray ? arraySchema : pageSchema, summary: "A page of \(name) objects")
        )
    }

    /// The endpoint of DELETE of the collection, if the resource has it.
    package var bodyDeletionEndpoint: Endpoint? {
        guard let deletionBody else { return nil }
        let body: JSONValue? =
            switch deletionBody {
            case .content: bodySchema(.create)
            case .id:
                [
                    "type": "object",
                    "properties": ["id": ["type": "string", "format": "uuid", "description": "The object's id"]],
                    "required": ["id"],
                    "additionalProperties": false,
                ]
            }
        return Endpoint(
            method: .delete,
            path: path,
            operationID: "delete\(schemaName)",
            tag: tag,
            summary: "Delete single \(name)",
            description: "Delete the one \(name) that the body names.",
            body: body,
            answer: .json(["$ref": .string("#/components/schemas/\(schemaName)")], summary: "The object as it was")
        )
    }

    private var idPathParameter: Endpoint.Parameter {
        Endpoint.Parameter(
            idParameter,
            in: .path,
            "The \(name)'s id",
            schema: ["type": "string", "format": "uuid"]
        )
    }

    private var arraySchema: JSONValue {
        ["type": "array", "items": ["$ref": .string("#/components/schemas/\(schemaName)")]]
    }

    private var pageSchema: JSONValue {
        [
            "type": "object",
            "properties": ["objects": arraySchema],
            "required": ["objects"],
            "additionalProperties": false,
        ]
    }

    /// The JSON Schema of an operation's body; nil for one that takes none.
    package func bodySchema(_ operation: Operation, null: Draft.NullMeaning = .keep) -> JSONValue? {
        guard [.create, .replace, .patch].contains(operation) else { return nil }
        var properties = JSONObject()
        for field in fields where field.isWritable(by: operation) {
            var field = field
            // In a patch null says what absence says, so every member takes it, unless null is to clear.
            if operation == .patch, null == .keep { field.isNullable = true }
            properties[field.name] = field.schema
        }
        if operation == .patch {
            for field in fields where field.isList && !field.isReadOnly {
                for name in [field.additionName, field.removalName] { properties[name] = field.schema }
            }
        }
        if operation != .patch, choosesOrganization {
            properties["org_name"] = [
                "type": ["string", "null"],
                "description": "The name of the organization, for a caller who is in several",
            ]
            properties["org_id"] = [
                "type": ["string", "null"], "format": "uuid",
                "description": "The id of the organization, for a caller who is in several; goes before `org_name`",
            ]
        }
        var schema: JSONObject = ["type": "object", "properties": .object(properties), "additionalProperties": false]
        let required = fields.filter { $0.isRequired && $0.isWritable(by: operation) }.map { JSONValue.string($0.name) }
        if operation != .patch, !required.isEmpty { schema["required"] = .array(required) }
        return .object(schema)
    }

    private func method(_ operation: Operation) -> Endpoint.Method {
        switch operation {
        case .list, .get: .get
        case .create: .post
        case .replace: .put
        case .patch: .patch
        case .delete: .delete
        }
    }

    private func operationID(_ operation: Operation) -> String {
        let suffix = [.get, .patch, .delete].contains(operation) ? "Id" : ""
        return "\(method(operation).rawValue)\(schemaName)\(suffix)"
    }

    private var hasUniqueNames: Bool { isFoundExisting || scope == .organizations }

    private var isFoundExisting: Bool {
        if case .key = uniqueness { true } else { false }
    }

    private func texts(_ operation: Operation) -> (summary: String, description: String, answer: String) {
        let one = "aeo".contains(name.prefix(1)) ? "an \(name)" : "a \(name)"
        return switch operation {
        case .list:
            ("List \(name)s", "List the \(name)s that the caller can see, newest first.", "")
        case .create:
            (
                "Create \(name)",
                isFoundExisting
                    ? "Create \(one), or return the one that is there as it is, with `x-bt-found-existing: true`."
                    : "Create \(one).",
                "The \(name) object"
            )
        case .replace:
            ("Create or replace \(name)", "Create \(one), or replace the one of that name.", "The \(name) object")
        case .get:
            ("Get \(name)", "Get \(one) by its id.", "The \(name) object")
        case .patch:
            (
                "Partially update \(name)",
                """
                Change the members that the body holds. Objects are merged; null and absence keep what is there. With \
                `Content-Type: application/merge-patch+json` null clears what may be null (RFC 7396).
                """,
                "The \(name) object as it is now"
            )
        case .delete:
            ("Delete \(name)", "Delete \(one) by its id.", "The \(name) object as it was")
        }
    }
}

extension FieldSpec {
    /// Every text but one with U+0000, which PostgreSQL cannot store.
    static let pattern = #"^[^\u0000]*$"#

    /// The field's JSON Schema (2020-12).
    package var schema: JSONValue {
        var schema = JSONObject()
        switch kind {
        case .id, .reference:
            schema["type"] = "string"
            schema["format"] = "uuid"
        case .text(let maximumCharacters):
            schema["type"] = "string"
            if !isReadOnly {
                if minimumCharacters > 0 { schema["minLength"] = .number(JSONNumber(minimumCharacters)) }
                schema["maxLength"] = .number(JSONNumber(maximumCharacters))
                schema["pattern"] = .string(Self.pattern)
            }
        case .email:
            schema["type"] = "string"
            schema["format"] = "email"
            schema["maxLength"] = .number(JSONNumber(EmailAddress.maximumCharacters))
        case .flag:
            schema["type"] = "boolean"
        case .count:
            schema["type"] = "integer"
        case .timestamp:
            schema["type"] = "string"
            schema["format"] = "date-time"
        case .choice(let choices):
            schema["type"] = "string"
            schema["enum"] = .array(choices.map(JSONValue.string) + (isNullable ? [.null] : []))
        case .object:
            schema["type"] = "object"
        case .structure(let members):
            schema["type"] = "object"
            var properties = JSONObject()
            for member in members { properties[member.name] = member.schema }
            schema["properties"] = .object(properties)
            let required = members.filter(\.isRequired).map { JSONValue.string($0.name) }
            if !required.isEmpty { schema["required"] = .array(required) }
            schema["additionalProperties"] = false
        case .list(let kind):
            schema["type"] = "array"
            var item = FieldSpec(name: name, kind: kind, summary: "").schema.object ?? [:]
            item["description"] = nil
            schema["items"] = .object(item)
            if !isReadOnly { schema["maxItems"] = .number(JSONNumber(maximumItems)) }
        }
        if isNullable, let type = schema["type"] { schema["type"] = [type, "null"] }
        schema["description"] = .string(summary)
        return .object(schema)
    }
}

extension Endpoint {
    /// The OPTIONS of a path, which a browser asks before a request from another origin.
    package static func crossOrigin(_ path: String, parameters: [Parameter] = []) -> Endpoint {
        let words = path.split(whereSeparator: { "/_{}".contains($0) }).dropFirst(path.hasPrefix("/v1") ? 1 : 0)
        let name = words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        return Endpoint(
            method: .options,
            path: path,
            operationID: "options\(name.isEmpty ? "Index" : name)",
            tag: "CORS",
            summary: "Allow other origins (`\(path)`)",
            description: "Tell a browser which origins, methods and headers the path takes.",
            parameters: parameters,
            isPublic: true,
            answer: .crossOrigin
        )
    }
}
