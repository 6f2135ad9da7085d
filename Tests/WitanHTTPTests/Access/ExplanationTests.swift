import Testing
import WitanCore
import WitanEngines
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

/// What `witan explain` tells; that its answers and ways are true, `ModelTests` checks.
@Suite("Explanations")
struct ExplanationTests {
    private struct Case: CustomTestStringConvertible, Sendable {
        let user: String
        let permission: Permission
        let object: String
        let text: [String]

        var testDescription: String { "\(user) \(permission.rawValue) \(object)" }
    }

    private static let cases = [
        Case(
            user: "ann@acme.test",
            permission: .update,
            object: "project:Support",
            text: [
                "Yes: ann@acme.test holds update on project:Support in Acme.",
                "By update on project:Support, which is granted to them (grant ID).",
                """
                By role Lead → Editor with update for project on org_project:Acme, which they have by group \
                Backend → Staff (grant ID).
                """,
            ]
        ),
        Case(
            user: "ann@acme.test",
            permission: .update,
            object: "org_project:Acme",
            text: [
                "No: ann@acme.test does not hold update on org_project:Acme.",
                """
                It is not granted to them or to their groups (Backend, Staff) on org_project:Acme, on \
                organization:Acme.
                """,
                """
                Not by role Lead → Editor with update for project on org_project:Acme, which they have by group \
                Backend → Staff (grant ID): it is not for org_project.
                """,
            ]
        ),
        Case(
            user: "bob@acme.test",
            permission: .read,
            object: "role:Lead",
            text: [
                "No: bob@acme.test does not hold read on role:Lead in Acme.",
                "It is not granted to them on role:Lead, on organization:Acme.",
            ]
        ),
        Case(
            user: "ann@acme.test",
            permission: .read,
            object: "organization:Globex",
            text: [
                "No: ann@acme.test does not hold read on organization:Globex.",
                "They are not a member of Globex.",
            ]
        ),
    ]

    @Test("the answer and each way to it are told in sentences", arguments: cases)
    private func sentences(_ example: Case) async throws {
        try await Self.withExplainer { explainer in
            let explanation = try await explainer.explain(
                user: example.user,
                permission: example.permission,
                on: ObjectReference(parsing: example.object)
            )
            #expect(explanation.text.map { $0.replacing(/[0-9a-f-]{36}/, with: "ID") } == example.text)
        }
    }

    @Test("programs get ids and names of everything on the way")
    func json() async throws {
        try await Self.withExplainer { explainer in
            let explanation = try await explainer.explain(
                user: ObjectID(high: 0, low: 1).description.uppercased(),
                permission: .update,
                on: ObjectReference(.orgProject, "Acme"),
                for: .project
            )
            let json = try #require(explanation.json.object)
            #expect(json["allowed"] == true)
            #expect(json["for_object_type"] == "project")
            #expect(json["object"]?.object?["org_name"] == "Acme")
            #expect(json["places"] == ["org_project:Acme", "organization:Acme"])
            let grant = try #require(json["grants"]?.array?.first?.object)
            let names = { (member: String) in grant[member]?.array?.map { $0.object?["name"]?.string } }
            #expect(names("groups") == ["Backend", "Staff"])
            #expect(names("roles") == ["Lead", "Editor"])
            #expect(grant["for_object_types"] == ["project"])
            #expect(grant["user_id"] == .null)
            #expect(json["restricted_grants"] == [])
        }
    }

    @Test(
        "an object is named by its kind and its name or id",
        arguments: [
            ("organization:Acme", ObjectType.organization, "Acme"), ("project:a:b", .project, "a:b"),
            ("org_audit_logs:Acme", .orgAuditLogs, "Acme"),
            ("dataset:00000000-0000-0000-0000-000000000001", .dataset, "00000000-0000-0000-0000-000000000001"),
        ]
    )
    func objects(text: String, type: ObjectType, name: String) throws {
        #expect(try ObjectReference(parsing: text) == ObjectReference(type, name))
    }

    @Test(
        "what names no object is refused with the forms that do",
        arguments: ["", "project", "project:", "acl:x", ":x"]
    )
    func refusedObjects(text: String) {
        let failure = #expect(throws: Failure.self) { try ObjectReference(parsing: text) }
        #expect(failure?.code == .invalidRequest)
        #expect(failure?.message.contains("org_project:ORGANIZATION") == true)
    }

    @Test("a name that several organizations have needs one of them")
    func ambiguity() async throws {
        try await Self.withExplainer { explainer in
            func explain(_ object: String, in organization: String? = nil) async throws -> Explanation {
                let reference = try ObjectReference(parsing: object, in: organization)
                return try await explainer.explain(user: "ann@acme.test", permission: .read, on: reference)
            }
            for (object, organization, word) in [
                ("group:Staff", nil, "2 organizations"), ("group:Other", nil, "no group"),
                ("group:Staff", "Nowhere", "no group"), ("project:Support", "Globex", "no project"),
                ("experiment:\(ObjectID(high: 0, low: 7))", nil, "no experiment"),
            ] {
                let failure = await #expect(throws: Failure.self) { try await explain(object, in: organization) }
                #expect(failure?.code == .invalidRequest)
                #expect(failure?.message.contains(word) == true, "\(object)")
            }
            let found = try await explain("group:Staff", in: "Acme")
            #expect(found.organization == "Acme")
            #expect(try await explain("group:\(found.object.id)").object == found.object)
        }
    }

    @Test("somebody who is not there is told so")
    func nobody() async throws {
        try await Self.withExplainer { explainer in
            for user in ["nobody@acme.test", ObjectID(high: 0, low: 99).description] {
                let failure = await #expect(throws: Failure.self) {
                    try await explainer.explain(
                        user: user,
                        permission: .read,
                        on: ObjectReference(.organization, "Acme")
                    )
                }
                #expect(failure?.code == .invalidRequest)
            }
        }
    }

    // MARK: The world

    private static func withExplainer(_ body: (AccessExplainer) async throws -> Void) async throws {
        try await Engine.chosen.withDatabase { database in
            try await Migrator().migrate(database, at: FakeClock().now)
            try await database.write { connection in
                var random = RandomSource.seeded(1)
                try world.write(on: connection, at: FakeClock().now, using: &random)
            }
            try await body(AccessExplainer(database: database))
        }
    }

    private static let world: World = {
        func id(_ number: UInt64) -> ObjectID { ObjectID(high: 0, low: number) }
        let (ann, bob, acme, globex) = (id(1), id(2), id(3), id(4))
        let (staff, backend, editor, lead, support) = (id(5), id(6), id(7), id(8), id(9))
        var world = World(seed: 1, keeper: bob)
        world.principals = [
            World.Principal(id: ann, email: "ann@acme.test", serviceOrganization: nil),
            World.Principal(id: bob, email: "bob@acme.test", serviceOrganization: nil),
        ]
        world.organizations = [
            World.Organization(id: acme, name: "Acme", grantsOwnership: true, members: [ann, bob]),
            World.Organization(id: globex, name: "Globex", grantsOwnership: true, members: [bob]),
        ]
        world.groups = [
            World.Group(id: staff, organization: acme, name: "Staff", builtIn: nil, groups: [backend]),
            World.Group(id: backend, organization: acme, name: "Backend", builtIn: nil, users: [ann]),
            World.Group(id: id(10), organization: globex, name: "Staff", builtIn: nil),
        ]
        world.roles += [
            World.Role(
                id: editor,
                organization: acme,
                name: "Editor",
                permissions: [World.Allowance(permission: .update, type: .project)]
            ),
            World.Role(id: lead, organization: acme, name: "Lead", roles: [editor]),
        ]
        world.projects = [World.Project(id: support, organization: acme, name: "Support")]
        world.grants = [
            World.Grant(
                object: World.Object(type: .orgProject, id: acme, organization: acme),
                principal: staff,
                gift: .role(lead)
            ),
            World.Grant(
                object: World.Object(type: .project, id: support, organization: acme),
                principal: ann,
                gift: .allowance(World.Allowance(permission: .update, type: nil))
            ),
        ]
        return world
    }()
}
