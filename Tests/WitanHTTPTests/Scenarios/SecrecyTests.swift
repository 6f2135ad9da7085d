import Foundation
import HTTPTypes
import Testing
import WitanAccess
import WitanCore
import WitanJSON
import WitanStorage
import WitanTelemetry
import WitanTesting

@Suite("No secret leaves the server but in the one answer that shows it")
struct SecrecyTests {
    @Test("log, metrics, errors, lists and audit hold no key, digest, pepper, header or body, even unredacted")
    func busyScenario() async throws {
        var options = TestServer.Options()
        // Nothing may reach the log that would have to be hidden there.
        options.redact = { $0 }
        try await TestServer.run(options) { server in
            var shown: [String] = []
            func send(
                _ method: HTTPRequest.Method,
                _ path: String,
                as person: TestServer.Person? = nil,
                headers: KeyValuePairs<String, String> = [:],
                body: TestServer.Body? = nil
            ) async throws {
                shown.append(try await server.send(method, path, as: person, headers: headers, body: body).text)
            }
            var people = [server.owner, server.member, server.stranger]
            for number in 1...5 { people.append(try await server.makeKey("key \(number)", as: people[number % 3])) }
            people.append(try server.session(of: server.owner))
            for person in people {
                for path in [
                    "/v1/api_key", "/v1/organization/api_keys", "/v1/user", "/v1/organization", "/ping", "/nowhere",
                ] {
                    try await send(.get, path, as: person)
                }
                for path in ["/api/apikey/login", "/api/self/me"] { try await send(.post, path, as: person) }
                try await send(.get, "/v1/api_key/\(person.keyID)", as: server.stranger)
                try await send(.delete, "/v1/api_key/\(person.keyID)", as: server.stranger)
                try await send(.get, "/v1/api_key?limit=canary-query&api_key_name=canary-query", as: person)
                for body in Self.refusedBodies { try await send(.post, "/v1/api_key", as: person, body: body) }
            }
            try await send(.delete, "/v1/api_key/\(people[3].keyID)", as: server.owner)
            try await send(.get, "/v1/api_key", as: people[3])
            for header in ["authorization", "x-bt-auth-token", "cookie", "x-custom", "x-bt-org-name"] {
                try await send(.get, "/v1/api_key", headers: [header: "canary-header \(server.owner.key)"])
            }
            try await send(.get, "/openapi.json")
            try await send(.get, "/.well-known/jwks.json")

            let log = server.log.text
            #expect(try server.log.lines().count > 150)
            let metrics = String(decoding: server.metrics.registry.render(), as: UTF8.self)
            let audit = try await server.auditRows().map { "\($0)" }.joined(separator: "\n")
            #expect(audit.contains("denied"))
            let secrets = try Self.forms(of: people, in: server)
            #expect(secrets.count > 30)
            let places = ["log": log, "metrics": metrics, "audit": audit, "answers": shown.joined(separator: "\n")]
            for (place, text) in places {
                let bytes = Data(text.utf8)
                for secret in secrets + ["canary"] {
                    #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(secret.prefix(6))… is in the \(place)")
                }
            }
        }
    }

    @Test("a key that a client puts into the path, a member's name or the user agent is hidden in log, error and audit")
    func misplacedKey() async throws {
        try await TestServer.run { server in
            let key = server.owner.key
            var texts: [String] = []
            for path in ["/\(key)", "/v1/api_key/\(key)", "/v1/nothing/\(key)/x"] {
                texts.append(try await server.send(.get, path, as: server.owner, headers: ["user-agent": key]).text)
            }
            let body: TestServer.Body = .text("{\"name\":\"x\",\"\(key)\":1,\"\(key)\":1}")
            texts.append(try await server.send(.post, "/v1/api_key", as: server.owner, body: body).text)
            texts.append(try await server.send(.post, "/v1/api_key", as: server.owner, body: .json([key: 1])).text)
            let path = "/v1/api_key/\(server.stranger.keyID)"
            texts.append(try await server.send(.delete, path, as: server.owner, headers: ["user-agent": key]).text)
            for text in texts { #expect(!text.contains(key.dropFirst(3)), "\(text.replacing(key, with: "KEY"))") }
            #expect(try server.log.lines().count >= 6)
            #expect(!server.log.text.contains(key.dropFirst(3)))
            let audit = try await server.auditRows().map { "\($0)" }.joined()
            #expect(audit.contains("denied"))
            #expect(!audit.contains(key.dropFirst(3)))
        }
    }

    private static let refusedBodies: [TestServer.Body] = [
        #"{"name":["canary-body"]}"#, #"{"name":"x","org_name":"canary-body"}"#, #"canary-body"#,
        #"{"name":"canary-body"#, #"{"name":"x","org_id":"canary-body"}"#,
    ]

    /// Each key, digest and server secret, raw and as hexadecimal digits and base64.
    private static func forms(of people: [TestServer.Person], in server: TestServer) throws -> [String] {
        var forms: [String] = []
        for person in people {
            forms.append(person.key)
            forms.append(contentsOf: encodings(of: Array(person.key.utf8)))
            for (_, digest) in server.secrets.peppers.candidates(CredentialDigest(of: person.key)) {
                forms.append(contentsOf: encodings(of: digest.bytes))
            }
        }
        for line in server.secrets.serialized().split(separator: "\n") where !line.hasPrefix("#") {
            let base64 = try #require(line.split(separator: " ").last)
            forms.append(contentsOf: encodings(of: Array(try #require(Data(base64Encoded: String(base64))))))
        }
        return forms
    }

    private static func encodings(of bytes: [UInt8]) -> [String] {
        let base64 = Data(bytes).base64EncodedString().filter { $0 != "=" }
        return [bytes.hex, bytes.hex.uppercased(), base64, base64.replacing("+", with: "-").replacing("/", with: "_")]
    }
}
