import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

@Suite("Each body is checked against the declaration, and a refused one changes nothing")
struct BodyContractTests {
    private static let subjects = Subject.having(.create, .replace, .patch)

    @Test("a missing or misfitting member is 400 and named", arguments: subjects)
    func misfits(_ subject: Subject) async throws {
        try await check(subject) { server, operation, send in
            for field in subject.writableFields(by: operation) {
                if field.isRequired, operation != .patch {
                    let answer = try await send(.json(subject.body(replacing: field.name, by: nil, in: operation)))
                    #expect(answer.status == 400)
                    #expect(answer.issuePaths == [field.name])
                    #expect(answer["Message"]?.string?.contains("\(field.name) is required") == true)
                }
                let null: [JSONValue] = field.isNullable || operation == .patch ? [] : [.null]
                for value in field.misfits + null {
                    let answer = try await send(.json(subject.body(replacing: field.name, by: value, in: operation)))
                    #expect(answer.status == 400, "\(operation) \(field.name): \(value.kindName)")
                    #expect(answer.issuePaths == [field.name])
                    #expect(answer["Message"]?.string?.hasPrefix(field.name) == true, "\(answer.text)")
                }
            }
            let wrong = Array(subject.writableFields(by: operation).prefix(2))
            var body = subject.body(1, by: operation).object ?? [:]
            for field in wrong { body[field.name] = [1] }
            #expect(try await send(.json(.object(body))).issuePaths == wrong.map(\.name))
        }
    }

    @Test("an unknown member, a read-only one and one given twice are 400 and named", arguments: subjects)
    func strangeMembers(_ subject: Subject) async throws {
        try await check(subject) { _, operation, send in
            let readOnly = subject.resource.fields.filter(\.isReadOnly).map(\.name)
                .filter {
                    operation == .patch || !subject.resource.choosesOrganization || $0 != "org_id"
                }
            for name in ["nope", "Name", "name ", ""] + readOnly {
                let answer = try await send(.json(subject.body(replacing: name, by: "x", in: operation)))
                #expect(answer.status == 400, "\(name)")
                #expect(answer.issuePaths == [name])
            }
            let name = try #require(subject.writableFields(by: operation).first?.name)
            let twice = subject.body(1, by: operation).compact.dropLast() + ",\"\(name)\":\"again\"}"
            let answer = try await send(.text(String(twice)))
            #expect(answer.status == 400)
            #expect(answer.issuePaths == [name])
        }
    }

    @Test("what is not exactly one JSON object is 400", arguments: subjects)
    func malformedBodies(_ subject: Subject) async throws {
        try await check(subject) { _, operation, send in
            let valid = subject.body(1, by: operation).compact
            let name = try #require(subject.writableFields(by: operation).first?.name)
            let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
            let texts = [
                "\(valid)x", "\(valid)\(valid)", "\(valid),", "[]", "[\(valid)]", "null", "true", "1", "\"text\"", " ",
                "{",
                String(valid.dropLast()), "\u{FEFF}\(valid)", "{name:1}", "{'name':'x'}", "{\"\(name)\":\"a\nb\"}",
                "{\"\(name)\":\"\\uD800\"}", "{\"\(name)\":\"\\uDC00\\uD800\"}", "{\"\(name)\":\"\\x\"}",
                "{\"\(name)\":\(deep)}", "{\"\(name)\":NaN}", "{\"\(name)\":01}",
            ]
            for text in texts {
                let answer = try await send(.text(text))
                #expect(answer.status == 400, "\(operation): \(text)")
                #expect(answer["Code"]?.string == "BadRequestError")
            }
            for bytes in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] as [[UInt8]] {
                let answer = try await send(.init(bytes: Array("{\"\(name)\":\"".utf8) + bytes + Array("\"}".utf8)))
                #expect(answer.status == 400, "\(bytes)")
            }
            if operation != .patch {
                #expect(try await send(nil).status == 400)
                #expect(try await send("").status == 400)
            }
        }
    }

    @Test("a body beyond the limit is 413, one at the limit is read", arguments: subjects)
    func tooLong(_ subject: Subject) async throws {
        var limits = Limits.unhurried
        limits.requestBodyBytes = 4_096
        try await check(subject, limits: limits) { _, _, send in
            #expect(try await send(.text(String(repeating: " ", count: 4_097))).status == 413)
            let atLimit = try await send(.text(String(repeating: " ", count: 4_096)))
            #expect(atLimit.status == 400)
        }
    }

    @Test("a patch keeps what is absent or null, and an empty one keeps all", arguments: Subject.having(.patch))
    func patchKeeps(_ subject: Subject) async throws {
        try await Subject.withServer { server in
            let caller = try subject.caller(on: server)
            let path = try await "\(subject.resource.path)/\(subject.ownID(on: server))"
            let before = try await server.send(.patch, path, as: caller, body: .json(subject.body(1, by: .patch)))
            try #require(before.status == 200, "\(before.text)")
            var nulls = JSONObject()
            let fields = subject.writableFields(by: .patch)
            for field in fields { nulls[field.name] = .null }
            for body in ["{}", nil, "", .json(.object(nulls))] as [TestServer.Body?] {
                let answer = try await server.send(.patch, path, as: caller, body: body)
                #expect(answer.text == before.text)
            }
            for field in fields {
                let value = Fixture.value(of: field, in: subject.resource, 4)
                let before = try await server.send(.get, path, as: caller).json?.object
                let answer = try await server.send(.patch, path, as: caller, body: .json([field.name: value]))
                var expected = try #require(before)
                expected[field.name] = value
                #expect(answer.json?.compact == expected.compact, "\(field.name)")
                #expect(try await server.send(.get, path, as: caller).text == answer.text)
            }
        }
    }

    @Test(
        "the organization is `org_id`, else `org_name`, and a foreign one is 403 like a missing one",
        arguments: subjects
    )
    func organizations(_ subject: Subject) async throws {
        guard let field = subject.resource.organizationField, subject.resource.choosesOrganization,
            subject.resource.operations[.create] != nil
        else { return }
        try await Subject.withServer { server in
            let own = server.owner.organizationID.description
            let foreign = server.stranger.organizationID.description
            func send(_ members: JSONObject, header: String? = nil) async throws -> TestServer.Answer {
                var body = subject.body(1).object ?? [:]
                for (name, value) in members.members { body[name] = value }
                return try await server.send(
                    .post,
                    subject.resource.path,
                    as: server.owner,
                    headers: header.map { ["x-bt-org-name": $0] } ?? [:],
                    body: .json(.object(body))
                )
            }
            let accepted: [JSONObject] = [
                ["org_id": .string(own)], ["org_name": "Acme"], ["org_id": .null, "org_name": .null],
                ["org_id": .string(own.uppercased()), "org_name": "Nowhere"],
            ]
            for members in accepted {
                let answer = try await send(members)
                #expect(answer.status == 200, "\(answer.text)")
                #expect(answer[field]?.string == own)
            }
            #expect(try await send(["org_name": "Acme"], header: "Nowhere").status == 200)
            #expect(try await send([:], header: "Acme").status == 200)
            #expect(try await send([:], header: "Globex").status == 403)
            let missing = "0199c0de-0000-7000-8000-000000000000"
            for (name, values) in [("org_id", [foreign, missing]), ("org_name", ["Globex", "Nowhere"])] {
                let answers = try await [send([name: .string(values[0])]), send([name: .string(values[1])])]
                #expect(answers.map(\.status) == [403, 403])
                let messages = answers.map { $0["Message"]?.string?.replacing(foreign, with: missing) }
                #expect(messages[0] == messages[1])
            }
            for (name, value) in [("org_id", "x"), ("org_id", 1), ("org_name", 1), ("org_name", [])]
                as [(String, JSONValue)]
            {
                #expect(try await send([name: value]).issuePaths == [name])
            }
        }
    }

    /// Runs `body` for each operation that takes a body, and checks that what it sent has changed nothing.
    private func check(
        _ subject: Subject,
        limits: Limits = .unhurried,
        _ body:
            @Sendable (
                TestServer, Resource.Operation, _ send: (TestServer.Body?) async throws -> TestServer.Answer
            ) async throws -> Void
    ) async throws {
        try await Subject.withServer(limits: limits) { server in
            let caller = try subject.caller(on: server)
            let bodied = try await subject.bodied(on: server)
            #expect(!bodied.isEmpty)
            let list = subject.listPath(for: server.owner)
            let before = try await server.send(.get, list, as: caller).text
            for (operation, path) in bodied {
                try await body(server, operation) {
                    try await server.send(operation.method, path, as: caller, body: $0)
                }
            }
            #expect(try await server.send(.get, list, as: caller).text == before)
        }
    }
}
