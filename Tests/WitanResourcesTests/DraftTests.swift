import Testing
import WitanCore
import WitanJSON
import WitanResources

@Suite("Bodies against their declaration")
struct DraftTests {
    private static let flag = Field.flag("flag", "A flag")
    private static let resource = Resource(
        "thing",
        tag: "Things",
        schemaName: "Thing",
        table: "things",
        fields: [
            Field.id("The id").spec, Field.timestamp("created", "When").spec, Field.name("The name").required().spec,
            Field.text("note", "A note", maximumCharacters: 5).nullable().spec, flag.spec,
            Field.choice("mode", ["on", "off"], "The mode").nullable().spec,
            Field.object("settings", "Settings").nullable().spec,
            Field.reference("org_id", to: "organization", "The organization").readOnly().spec,
            Field.reference("parent_id", to: "thing", "The parent").nullable().spec,
        ],
        objectType: .project,
        operations: [.create: .own, .patch: .permission(.update)],
        scope: .organization("org_id")
    )

    @Test("members are kept in the declaration's order, and absent ones are absent")
    func values() throws {
        let body: JSONValue = [
            "settings": ["b": 1, "a": nil], "parent_id": "0199C0DE-0000-7000-8000-0123456789AB", "mode": nil,
            "flag": false,
            "name": "n", "org_name": "Acme", "org_id": "0199c0de-0000-7000-8000-0123456789ab",
        ]
        let draft = try Draft(body: body, for: .create, of: Self.resource)
        #expect(draft.values.map(\.field.name) == ["name", "flag", "mode", "settings", "parent_id"])
        #expect(
            draft.values.map(\.value) == [
                .text("n"), .flag(false), .null, .object(["b": 1, "a": nil]),
                .text("0199c0de-0000-7000-8000-0123456789ab"),
            ]
        )
        #expect(draft.organizationName == "Acme")
        #expect(draft.organizationID == ObjectID("0199c0de-0000-7000-8000-0123456789ab"))
    }

    @Test("in a patch nothing is required, null is absence, and there is no organization to name")
    func patch() throws {
        let draft = try Draft(body: ["name": nil, "note": nil, "flag": true], for: .patch, of: Self.resource)
        #expect(draft.values.map(\.field.name) == ["flag"])
        #expect(try Draft(body: [:], for: .patch, of: Self.resource).values.isEmpty)
        #expect(issues(["org_name": "Acme", "org_id": nil], for: .patch) == ["org_name", "org_id"])
    }

    @Test("every member at fault is named, in the declaration's order, strangers last")
    func faults() {
        #expect(issues([:]) == ["name"])
        #expect(
            issues(["z": 1, "id": "x", "flag": nil, "note": "123456", "org_id": 1]) == [
                "name", "note", "flag", "org_id", "z", "id",
            ]
        )
        let cases: [(String, [JSONValue])] = [
            ("name", ["", nil, 1, .string(String(repeating: "x", count: 1_025)), "a\0"]),
            ("note", [1, true, [], [:], "123456", "\0"]), ("flag", [nil, 0, "true", []]),
            ("mode", ["", "ON", 1]), ("settings", ["{}", [], 1]), ("parent_id", ["", "x", 1]),
            ("org_name", [1, [], [:]]), ("org_id", ["", "x", 1]),
        ]
        for (name, values) in cases {
            for value in values {
                var body: JSONObject = ["name": "n"]
                body[name] = value
                #expect(issues(.object(body)) == [name], "\(name): \(JSONWriter.string(of: value).prefix(20))")
            }
        }
    }

    @Test("texts are counted in Unicode scalars, up to and with the greatest number")
    func lengths() {
        #expect(issues(["name": .string(String(repeating: "e\u{301}", count: 512)), "note": "12345"]) == [])
        #expect(issues(["name": .string(String(repeating: "e\u{301}", count: 513))]) == ["name"])
        // And in bytes, of which an index of PostgreSQL's takes only so many.
        #expect(issues(["name": .string(String(repeating: "🗝", count: 600))]) == [])
        #expect(issues(["name": .string(String(repeating: "🗝", count: 601))]) == ["name"])
        #expect(issues(["name": "n", "note": "e\u{301}e\u{301}e\u{301}"]) == ["note"])
        #expect(issues(["name": "n", "note": ""]) == [])
    }

    @Test(
        "what is no object is refused with its kind",
        arguments: [
            (nil, "it is null"), ([], "it is an array"), ("x", "it is a string"), (1, "it is a number"),
            (true, "it is a boolean"),
        ] as [(JSONValue, String)]
    )
    func noObject(_ body: JSONValue, _ words: String) {
        let failure = #expect(throws: Failure.self) { try Draft(body: body, for: .create, of: Self.resource) }
        #expect(failure?.code == .invalidRequest)
        #expect(failure?.message.contains(words) == true)
    }

    @Test("a refusal says what was expected and never what was sent")
    func sentences() {
        let failure = #expect(throws: Failure.self) {
            try Draft(body: ["name": "n", "mode": "canary", "note": "canary"], for: .create, of: Self.resource)
        }
        #expect(
            failure?.message
                == """
                note must be a text of 0 to 5 characters, or null, but has 6 characters; \
                mode must be one of "on", "off", or null, but is another text.
                """
        )
    }

    private func issues(_ body: JSONValue, for operation: Resource.Operation = .create) -> [String] {
        do {
            _ = try Draft(body: body, for: operation, of: Self.resource)
            return []
        } catch {
            return error.issues.map { $0.path.joined(separator: ".") }
        }
    }
}
