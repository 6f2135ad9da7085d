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

        package let name: String
        package let location: Location
        package let summary: String
        package let schema: JSONValue

        /// Describes a parameter; one in the path is always required.
        package init(_ name: String, in location: Location, _ summary: String, schema: JSONValue) {
            self.name = name
            self.location = location
            self.summary = summary
            self.schema = schema
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

    package let method: Method
    /// The path, with parameters in braces: `/v1/api_key/{api_key_id}`.
    package let path: String
    package let operationID: String
    package let tag: String
    package let summary: String
    package let description: String
    package var parameters: [Parameter] = []
    /// The schema of the JSON body, if it takes one.
    package var body: JSONValue?
    /// Whether it can be called without a credential.
    package var isPublic = false
    package let answer: Answer
}

extension Endpoint {
    /// The statuses of the errors that it can answer with, besides those that every request can meet.
    package var errors: [Int] {
        switch answer {
        case .crossOrigin: [400]
        case .json, .text: isPublic ? [400, 500] : [400, 401, 403, 429, 500]
        }
    }
}
