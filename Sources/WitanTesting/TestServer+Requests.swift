package import HTTPTypes
import HummingbirdTesting
import NIOCore
import WitanAccess
package import WitanCore
package import WitanJSON
import WitanResources
import WitanServices
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

        /// The `objects` of a list, or the elements of a bare one.
        package var objects: [JSONObject] { (self["objects"] ?? json)?.array?.compactMap(\.object) ?? [] }

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
        let credential = person.map { [("authorization", "Bearer \($0.key)")] } ?? []
        return try await send(method, path, headerList: credential + headers.map { ($0.key, $0.value) }, body: body)
    }

    /// Sends a request with these headers and returns the whole answer.
    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        headerList: [(String, String)],
        body: Body?
    ) async throws -> Answer {
        var fields = HTTPFields()
        for (name, value) in headerList {
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

    /// A member of `Acme` who is in none of its groups and has no grant, with a session.
    package func memberOfNoGroup() async throws -> Person {
        let person = try NewPerson(email: "nobody@acme.test")
        let record = try await accounts.add(person, to: "Acme", groups: [])
        guard let id = record.id else { throw Failure.bug("A person has no id") }
        return try session(
            of: Person(id: id, email: person.email, organizationID: owner.organizationID, keyID: id, key: "")
        )
    }

    /// Somebody new in an organization and in those of its groups, with a key.
    ///
    /// Their address is made of both names: `ann@acme.test`.
    package func join(_ name: String, _ organization: String = "Acme", groups: [String] = []) async throws -> Person {
        let person = try NewPerson(email: "\(name)@\(organization.lowercased()).test")
        _ = try await accounts.add(person, to: organization, groups: groups)
        return try await key(of: person.email, in: accounts.organizationID(named: organization))
    }

    /// Somebody who is there, with a new key in one of their organizations.
    package func key(of email: String, in organizationID: ObjectID) async throws -> Person {
        let caller = try await accounts.caller(email: email)
        let created = try await services[APIKeyResource.resource]
            .create(["name": "test"], in: Identity.Selector(id: organizationID), for: caller)
        guard let keyID = created.record.id, let key = created.revealed.first?.value else {
            throw Failure.bug("No key was made")
        }
        return Person(id: caller.identity.userID, email: email, organizationID: organizationID, keyID: keyID, key: key)
    }

    /// A new service account of somebody's organization, in those of its groups, with a token.
    package func serviceAccount(
        _ name: String,
        groups: [String] = [],
        by owner: Person? = nil
    ) async throws -> Person {
        let owner = owner ?? self.owner
        let invited = try await send(
            .patch,
            "/v1/organization/members",
            as: owner,
            body: .json([
                "invite_users": [
                    "service_accounts": [["name": .string(name), "token_name": "test"]],
                    "group_names": .array(groups.map(JSONValue.string)),
                ]
            ])
        )
        guard let added = invited["added_users"]?.array?.first?.object,
            let id = added["id"]?.string.flatMap({ ObjectID($0) }), let email = added["email"]?.string,
            let token = added["api_key"]?.string
        else { throw Failure.bug("No service account was made: \(invited.status)") }
        let own = try await send(.get, "/v1/service_token", headers: ["authorization": "Bearer \(token)"])
        guard let tokenID = own.ids.first.flatMap({ ObjectID($0) }) else { throw Failure.bug("No token was made") }
        return Person(id: id, email: email, organizationID: owner.organizationID, keyID: tokenID, key: token)
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
