package import HTTPTypes
import HummingbirdTesting
import NIOCore
import WitanAccess
import WitanCore
package import WitanJSON
import WitanTelemetry

extension TestServer {
    /// The bytes of a request's body; a string literal is the text itself.
    package struct Body: Sendable, ExpressibleByStringLiteral {
        /// The bytes.
        package let bytes: [UInt8]

        /// Takes the bytes as they are.
        package init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        /// Takes the text's bytes.
        package init(stringLiteral text: String) {
            self.init(bytes: Array(text.utf8))
        }

        /// A text as it is.
        package static func text(_ text: String) -> Body { Body(bytes: Array(text.utf8)) }

        /// A value as compact JSON.
        package static func json(_ value: JSONValue) -> Body { Body(bytes: JSONWriter.bytes(of: value)) }
    }

    /// What the server answered.
    package struct Answer: Sendable {
        /// The status.
        package let status: Int

        /// The header fields.
        package let headers: HTTPFields

        /// The body.
        package let bytes: [UInt8]

        /// The body as text.
        package var text: String { String(decoding: bytes, as: UTF8.self) }

        /// The body as JSON; nil when it is none.
        package var json: JSONValue? {
            // Whoever expects JSON fails on nil.
            try? JSONParser.parse(bytes)
        }

        /// A member of the body.
        package subscript(member: String) -> JSONValue? { json?.object?[member] }

        /// The `objects` of a list.
        package var objects: [JSONObject] { self["objects"]?.array?.compactMap(\.object) ?? [] }

        /// The ids of a list's objects, in order.
        package var ids: [String] { objects.compactMap { $0["id"]?.string } }

        /// The first component of each of an error's `Issues`.
        package var issuePaths: [String] {
            self["Issues"]?.array?.compactMap { $0.object?["path"]?.array?.first?.string } ?? []
        }

        /// The value of a header.
        package func header(_ name: String) -> String? {
            HTTPField.Name(name).flatMap { headers[$0] }
        }
    }

    /// Sends a request and returns the whole answer.
    ///
    /// `person` adds their API key; `headers` come after it, so that a repeated one goes last.
    package func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        as person: Person? = nil,
        headers: KeyValuePairs<String, String> = [:],
        body: Body? = nil
    ) async throws -> Answer {
        var fields = HTTPFields()
        if let person { fields[.authorization] = "Bearer \(person.key)" }
        for (name, value) in headers {
            guard let name = HTTPField.Name(name) else { throw Failure.bug("\(name) is no header's name") }
            fields.append(HTTPField(name: name, value: value))
        }
        let response = try await client.executeRequest(
            uri: path,
            method: method,
            headers: fields,
            body: body.map { ByteBuffer(bytes: $0.bytes) }
        )
        return Answer(
            status: response.status.code,
            headers: response.headers,
            bytes: Array(buffer: response.body)
        )
    }

    /// Makes a key over the API and returns it with its owner.
    package func makeKey(_ name: String, as person: Person) async throws -> Person {
        let answer = try await send(.post, "/v1/api_key", as: person, body: .json(["name": .string(name)]))
        guard answer.status == 200, let key = answer["key"]?.string,
            let keyID = answer["id"]?.string.flatMap({ ObjectID($0) })
        else { throw Failure.bug("No key was made: \(answer.status)") }
        return person.with(key: key, id: keyID)
    }

    /// A session of somebody's, which acts in every organization that they are in.
    package func session(of person: Person, lifetime: Duration = .seconds(3_600)) throws -> Person {
        let token = try sessions.issue(userID: person.id, email: person.email, lifetime: lifetime)
        return person.with(key: token.text, id: person.keyID)
    }

    /// The metrics at this moment.
    package func samples() throws -> [MetricSample] {
        try MetricSample.parse(String(decoding: metrics.registry.render(), as: UTF8.self))
            .map { sample in
                guard let sample else { throw Failure.bug("A line of the metrics is no sample") }
                return sample
            }
    }

    /// The value of one series at this moment; nil when there is none.
    package func sample(_ name: String, _ labels: [String: String] = [:]) throws -> Double? {
        try samples().first { $0.name == name && $0.labels == labels }?.value
    }
}
