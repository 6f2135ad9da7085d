package import WitanJSON

/// The server's own API document (OpenAPI 3.1), made from the declarations that make its routes.
package struct OpenAPIDocument: Sendable {
    private let resources: [Resource]
    private let version: String

    /// Every endpoint of the server, in the document's order.
    package let endpoints: [Endpoint]

    /// Describes a server of these resources.
    package init(resources: [Resource] = Catalog.all, version: String) {
        self.resources = resources
        self.version = version
        let named = resources.flatMap(\.endpoints) + AccessEndpoints.all + SystemEndpoints.all
        let login = [SystemEndpoints.login, SystemEndpoints.me, SystemEndpoints.index]
            .map { Endpoint.crossOrigin($0.path) }
        endpoints = named + login
    }

    /// The whole document, for the server at that address.
    package func document(serverURL: String) -> JSONValue {
        document(of: endpoints, serverURL: serverURL)
    }

    /// The part of the document that some endpoints need, complete in itself.
    package func document(of endpoints: [Endpoint], serverURL: String) -> JSONValue {
        var paths = JSONObject()
        for endpoint in endpoints {
            var item = paths[endpoint.path]?.object ?? JSONObject()
            item[endpoint.method.rawValue] = operation(endpoint)
            paths[endpoint.path] = .object(item)
        }
        let referenced = JSONWriter.string(of: .object(paths))
        var schemas = JSONObject()
        for resource in resources {
            let candidates = [
                (resource.schemaName, resource.schema()),
                ("Create\(resource.schemaName)Output", resource.createdSchema),
            ]
            for case (let name, let schema?) in candidates where referenced.contains("#/components/schemas/\(name)\"") {
                schemas[name] = schema
            }
        }
        if referenced.contains("#/components/schemas/Error\"") { schemas["Error"] = Self.errorSchema }
        return [
            "openapi": "3.1.1",
            "info": [
                "title": "Witan",
                "version": .string(version),
                "description": "The Braintrust API, served in your own environment.",
                "license": ["name": "Apache 2.0", "identifier": "Apache-2.0"],
            ],
            "servers": [["url": .string(serverURL)]],
            "security": [["bearerAuth": []]],
            "paths": .object(paths),
            "components": [
                "schemas": .object(schemas),
                "securitySchemes": [
                    "bearerAuth": [
                        "type": "http",
                        "scheme": "bearer",
                        "bearerFormat": "API key or JWT",
                        "description": """
                        Send an API key, a service token, or a JSON Web Token, in the header `Authorization: Bearer …`. \
                        `witan keys create` makes a key, and so does `POST /v1/api_key`.
                        """,
                    ]
                ],
            ],
        ]
    }

    private func operation(_ endpoint: Endpoint) -> JSONValue {
        var operation: JSONObject = [
            "operationId": .string(endpoint.operationID),
            "tags": [.string(endpoint.tag)],
            "summary": .string(endpoint.summary),
            "description": .string(endpoint.description),
            "security": endpoint.isPublic ? [] : [["bearerAuth": []]],
        ]
        if !endpoint.parameters.isEmpty {
            operation["parameters"] = .array(endpoint.parameters.map(parameter))
        }
        if let body = endpoint.body {
            var content: JSONObject = ["application/json": ["schema": body]]
            if let patch = endpoint.mergePatchBody { content["application/merge-patch+json"] = ["schema": patch] }
            operation["requestBody"] = [
                // Where nothing in it is required, a call without a body does what `{}` does.
                "required": .bool(body.object?["required"] != nil),
                "content": .object(content),
            ]
        }
        operation["responses"] = .object(responses(endpoint))
        return .object(operation)
    }

    private func parameter(_ parameter: Endpoint.Parameter) -> JSONValue {
        var value: JSONObject = [
            "name": .string(parameter.name),
            "in": .string(parameter.location.rawValue),
            "description": .string(parameter.summary),
            "schema": parameter.schema,
        ]
        if parameter.isRequired { value["required"] = true }
        return .object(value)
    }

    private func responses(_ endpoint: Endpoint) -> JSONObject {
        let text: JSONValue = ["schema": ["type": "string"]]
        var responses = JSONObject()
        switch endpoint.answer {
        case .json(let schema, let summary):
            responses["200"] = [
                "description": .string(summary), "content": ["application/json": ["schema": schema]],
            ]
        case .text(let mediaType, let summary):
            // A reader of YAML sees its value, as one of JSON does.
            let schema: JSONValue = mediaType == "application/yaml" ? ["schema": ["type": "object"]] : text
            responses["200"] = ["description": .string(summary), "content": .object([mediaType: schema])]
        case .crossOrigin:
            let names = ["Credentials", "Headers", "Methods", "Origin"].map { "Access-Control-Allow-\($0)" }
            var headers = JSONObject()
            for name in names + ["Access-Control-Max-Age"] { headers[name] = text }
            responses["200"] = ["description": "What other origins may do", "headers": .object(headers)]
        }
        for status in endpoint.errors + Self.everywhere {
            guard let (summary, headers) = Self.errors[status] else { continue }
            var response: JSONObject = [
                "description": .string(summary),
                "content": [
                    "application/json": ["schema": ["$ref": "#/components/schemas/Error"]],
                    "text/plain": text,
                ],
            ]
            if !headers.isEmpty {
                var values = JSONObject()
                for header in headers { values[header] = text }
                response["headers"] = .object(values)
            }
            responses[String(status)] = .object(response)
        }
        return responses
    }

    /// What any request may be answered with, whatever its path.
    private static let everywhere = [405, 413, 503]

    private static let errors: [Int: (summary: String, headers: [String])] = [
        400: ("A member, a parameter or the body is not as described", []),
        401: ("There is no valid credential", ["WWW-Authenticate"]),
        403: ("The caller may not do this, or the object is not there", []),
        404: ("There is no such page", []),
        405: ("The path does not have this method", ["Allow"]),
        409: ("The name is another object's", []),
        413: ("The body is too large", []),
        429: ("Too many requests; wait as long as Retry-After says", ["Retry-After", "RateLimit", "RateLimit-Policy"]),
        500: ("The server met an error of its own", []),
        503: ("The server cannot serve just now; try again later", ["Retry-After"]),
    ]

    private static let errorSchema: JSONValue = [
        "type": "object",
        "properties": [
            "Code": ["type": "string", "description": "The kind of error, such as `BadRequestError`"],
            "Message": ["type": "string", "description": "What is wrong and what to do"],
            "InternalTraceId": ["type": "string", "pattern": "^[0-9a-f]{32}$"],
            "Path": ["type": "string"],
            "Service": ["type": "string"],
            "Issues": [
                "type": "array",
                "description": "The members or parameters at fault",
                "items": [
                    "type": "object",
                    "properties": [
                        "path": ["type": "array", "items": ["type": "string"]], "message": ["type": "string"],
                    ],
                    "required": ["path", "message"],
                ],
            ],
        ],
        "required": ["Code", "Message", "InternalTraceId", "Path", "Service"],
    ]
}
