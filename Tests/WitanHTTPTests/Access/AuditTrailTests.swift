import Foundation
import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

@Suite("x-bt-enable-audit tells which objects an answer is about")
struct AuditTrailTests {
    private static let headers: KeyValuePairs = ["x-bt-enable-audit": "true"]

    @Test("the four headers, for each kind of call")
    func headers() async throws {
        try await TestServer.run { server in
            let objects = try await OrganizationObjects.make(1, on: server, as: server.owner)
            let group = objects.fill("<group>")
            let grant = JSONValue.grant(
                .permission(.update),
                on: .project,
                objects.fill("<project>"),
                to: .group(group)
            )
            let calls: [(HTTPRequest.Method, String, JSONValue?, String, (JSONValue) -> [JSONValue])] = [
                (.get, "/v1/project/<project>", nil, "/v1/project/[id]", { [Self.entry("project", $0)] }),
                (.post, "/v1/project", ["name": "new"], "/v1/project", { [Self.entry("project", $0)] }),
                (.patch, "/v1/group/<group>", ["description": "d"], "/v1/group/[id]", { [Self.entry("group", $0)] }),
                (.put, "/v1/role", ["name": "role 1"], "/v1/role", { [Self.entry("role", $0)] }),
                (.delete, "/v1/api_key/<api_key>", nil, "/v1/api_key/[id]", { [Self.entry("api_key", $0)] }),
                (
                    .delete, "/v1/service_token", ["id": "<service_token>"], "/v1/service_token",
                    { [Self.entry("service_token", $0)] }
                ),
                (.get, "/v1/acl/<acl>", nil, "/v1/acl/[id]", { [Self.entry("acl", $0)] }),
                (.get, "/v1/group", nil, "/v1/group", { Self.entries("group", $0.object?["objects"]) }),
                (.get, "/v1/acl/list_org", nil, "/v1/acl/list_org", { Self.entries("acl", $0) }),
                (
                    .post, "/v1/acl/batch_update", ["add_acls": [grant]], "/v1/acl/batch_update",
                    { Self.entries("acl", $0.object?["added_acls"]) }
                ),
                (.post, "/api/self/me", nil, "/api/self/me", { _ in [] }),
            ]
            for (method, path, body, normalized, expected) in calls {
                let answer = try await server.send(
                    method,
                    objects.fill(path),
                    as: server.owner,
                    headers: Self.headers,
                    body: body.map { .text(objects.fill(JSONWriter.string(of: $0))) }
                )
                #expect(answer.status == 200, "\(path): \(answer.text)")
                #expect(answer.header("x-bt-audit-user-id") == server.owner.id.description)
                #expect(answer.header("x-bt-audit-user-email") == server.owner.email)
                #expect(answer.header("x-bt-audit-normalized-url") == normalized)
                let json = try #require(answer.json)
                #expect(try Self.resources(of: answer) == expected(json), "\(method) \(path)")
            }
        }
    }

    @Test("nothing of the kind without the header, or with another value", arguments: [nil, "false", "1", ""])
    func unasked(value: String?) async throws {
        try await TestServer.run { server in
            let answer = try await server.call(
                .get,
                "/v1/project",
                headers: value.map { ["x-bt-enable-audit": $0] } ?? [:]
            )
            #expect(answer.status == 200)
            #expect(!answer.headers.contains { $0.name.canonicalName.hasPrefix("x-bt-audit") })
        }
    }

    @Test("who acts as somebody else is told as that person")
    func impersonation() async throws {
        try await TestServer.run { server in
            let answer = try await server.call(
                .get,
                "/v1/project",
                headers: ["x-bt-enable-audit": "True", "x-bt-impersonate-user": server.member.email]
            )
            #expect(answer.header("x-bt-audit-user-id") == server.member.id.description)
            #expect(answer.header("x-bt-audit-user-email") == server.member.email)
        }
    }

    @Test("of a long list the first fifty, so that the header stays small")
    func longList() async throws {
        try await TestServer.run { server in
            for number in 0..<60 { _ = try await server.project("project \(number)") }
            let answer = try await server.call(.get, "/v1/project", headers: Self.headers)
            #expect(try Self.resources(of: answer) == Self.entries("project", answer["objects"]).prefix(50).map(\.self))
        }
    }

    private static func entry(_ type: String, _ object: JSONValue) -> JSONValue {
        ["type": .string(type), "id": object.object?["id"] ?? .null, "name": object.object?["name"] ?? .null]
    }

    private static func entries(_ type: String, _ objects: JSONValue?) -> [JSONValue] {
        objects?.array?.map { entry(type, $0) } ?? []
    }

    private static func resources(of answer: TestServer.Answer) throws -> [JSONValue] {
        let envelope = try JSONParser.parse(answer.header("x-bt-audit-resources") ?? "").object
        #expect(envelope?["v"] == 1)
        let text = try #require(envelope?["p"]?.string)
        let member = [UInt8](try #require(Data(base64Encoded: text)))
        return try #require(try JSONParser.parse(gunzip(member)).array)
    }

    /// The bytes of a gzip member of stored blocks (RFC 1952, 2.3; RFC 1951, 3.2.4).
    private static func gunzip(_ member: [UInt8]) throws -> [UInt8] {
        func number(_ range: Range<Int>) -> Int { range.reversed().reduce(0) { $0 << 8 | Int(member[$1]) } }
        try #require(Array(member.prefix(4)) == [0x1f, 0x8b, 8, 0])
        var bytes: [UInt8] = []
        var position = 10
        var isLast = false
        while !isLast {
            isLast = member[position] & 1 == 1
            try #require(member[position] >> 1 & 3 == 0, "The block is not a stored one.")
            let length = number(position + 1..<position + 3)
            try #require(length ^ 0xffff == number(position + 3..<position + 5))
            position += 5
            bytes += member[position..<position + length]
            position += length
        }
        try #require(number(position..<position + 4) == Int(checksum(of: bytes)))
        try #require(number(position + 4..<position + 8) == bytes.count)
        try #require(position + 8 == member.count)
        return bytes
    }

    /// CRC-32 (RFC 1952, 8), bit by bit.
    private static func checksum(of bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
        }
    }
}
