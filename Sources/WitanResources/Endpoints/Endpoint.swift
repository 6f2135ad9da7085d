package import WitanJSON

/// One method on one path, as the API document describes it and as the server routes it.
package struct Endpoint: Sendable {
    /// The methods that the API uses.
    package enum Method: String, Sendable, CaseIterable {
        case get, post, put, patch, delete, options
    }

    /// A value that a request carries in its path or its query.
    package struct Parameter: Sendable {
        /// Where it stands.
        package enum Location: String, Sendable {
            case path, query
        }

        /// The parameter's name.
        package let name: String

        /// Whether it stands in the path or in the query.
        package let location: Location

        /// One sentence for the API document.
        package let summary: String

        /// The JSON Schema of its value.
        package let schema: JSONValue

        /// Whether a request must have it.
        package var isRequired: Bool

        /// Describes a parameter; one in the path is always required.
        package init(_ name: String, in location: Location, _ summary: String, schema: JSONValue) {
            self.name = name
            self.location = location
            self.summary = summary
            self.schema = schema
            isRequired = location == .path
        }
    }

    /// What a successful answer holds.
    package enum Answer: Sendable {
        /// JSON of the schema.
        case json(JSONValue, summary: String)
        /// A text of the media type.
        case text(String, summary: String)
        /// No body, the CORS headers.
        case crossOrigin
    }

    /// The HTTP method.
    package let method: Method

    /// The path, with parameters in braces: `/v1/api_key/{api_key_id}`.
    package let path: String

    /// The name of the operation in the API document and in generated clients.
    package let operationID: String

    /// The group that it belongs to in the API document: `ApiKeys`.
    package let tag: String

    /// One line for lists of operations, without a full stop.
    package let summary: String

    /// What it does, in a few sentences.
    package let description: String

    /// What it takes in its path and its query.
    package var parameters: [Parameter] = []

    /// The schema of the JSON body, if it takes one.
    package var body: JSONValue?

    /// The schema of the body as a merge patch (RFC 7396), if it takes one of that media type besides.
    package var mergePatchBody: JSONValue?

    /// Whether it can fail because of a name that another object has.
    package var canConflict = false

    /// Whether it can be called without a credential.
    package var isPublic = false

    /// What it answers with when all goes well.
    package let answer: Answer
}

extension Endpoint {
    /// The statuses of the errors that it can answer with, besides those that every request can meet.
    package var errors: [Int] {
        switch answer {
        case .crossOrigin: [400]
        case .json, .text:
            if isPublic {
                parameters.isEmpty ? [400, 500] : [400, 404, 500]
            } else {
                [400, 401, 403] + (canConflict ? [409] : []) + [429, 500]
            }
        }
    }
}
