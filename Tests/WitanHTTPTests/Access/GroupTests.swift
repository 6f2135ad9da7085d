import HTTPTypes
import Testing
import WitanCore
import WitanJSON
import WitanResources
import WitanTesting

@Suite("Groups hold people, service accounts and other groups")
struct GroupTests {
    @Test("PATCH adds and removes members, twice the same is once, and PUT replaces them all")
    func members() async throws {
        try await TestServer.run { server in
            let robot = try await server.serviceAccount("robot")
            let (one, two) = (try await server.group("one"), try await server.group("two"))
            let group = try await server.group("g", users: [server.owner], groups: [one])
            let path = "/v1/group/\(group)"
            func members() async throws -> [Set<JSONValue>] {
                let object = try await server.succeed(.get, path)
                return ["member_users", "member_groups"].map { Set(object[$0]?.array ?? []) }
            }
            let addition: JSONValue = [
                "add_member_users": .ids([server.member, robot]), "add_member_groups": .ids([two]),
            ]
            for _ in 1...2 {
                try await server.succeed(.patch, path, addition)
                let all = [server.owner, server.member, robot].map { JSONValue.string($0.id.description) }
                #expect(try await members() == [Set(all), [.string(one), .string(two)]])
            }
            let removal: JSONValue = [
                "remove_member_users": .ids([server.owner, robot]), "remove_member_groups": .ids([one]),
            ]
            for _ in 1...2 {
                try await server.succeed(.patch, path, removal)
                #expect(try await members() == [[.string(server.member.id.description)], [.string(two)]])
            }
            let replaced = try await server.succeed(.put, "/v1/group", ["name": "g", "member_users": .ids([robot])])
            #expect(replaced["id"]?.string == group)
            #expect(try await members() == [[.string(robot.id.description)], []])
        }
    }

    @Test("in one PATCH who is removed and added is in it")
    func removedAndAdded() async throws {
        try await TestServer.run { server in
            let group = try await server.group("g")
            let patched = try await server.succeed(
                .patch,
                "/v1/group/\(group)",
                ["add_member_users": .ids([server.member]), "remove_member_users": .ids([server.member])]
            )
            #expect(patched["member_users"] == .ids([server.member]))
        }
    }

    @Test(
        "PATCH takes no member lists of its own",
        arguments: ["member_users", "member_groups", "member_ids", "user_id"]
    )
    func unknownMembers(name: String) async throws {
        try await TestServer.run { server in
            let group = try await server.group("g")
            let answer = try await server.call(.patch, "/v1/group/\(group)", .object([name: []]))
            #expect(answer.status == 400)
            #expect(answer.issuePaths == [name])
        }
    }

    @Test("only members of the organization can be in its groups", arguments: ["member_users", "member_groups"])
    func foreigners(name: String) async throws {
        try await TestServer.run { server in
            let foreign: JSONValue = name == "member_users" ? .ids([server.stranger]) : .ids([server.acme])
            let group = try await server.group("g")
            for (method, path, body) in [
                (.post, "/v1/group", ["name": "new", name: foreign]),
                (.put, "/v1/group", ["name": "g", name: foreign]),
                (.patch, "/v1/group/\(group)", .object(["add_\(name)": foreign])),
            ] as [(HTTPRequest.Method, String, JSONValue)] {
                #expect(try await server.call(method, path, body).status == 403)
            }
            #expect(try await server.succeed(.get, "/v1/group?group_name=new").ids == [])
        }
    }

    @Test("a built-in group can be described and filled, and not renamed or deleted", arguments: BuiltInGroup.allCases)
    func builtIn(group: BuiltInGroup) async throws {
        try await TestServer.run { server in
            let id = try await server.builtIn(group)
            let before = try await server.succeed(.get, "/v1/group/\(id)").text
            #expect(try await server.call(.delete, "/v1/group/\(id)").status == 400)
            #expect(try await server.call(.patch, "/v1/group/\(id)", ["name": "Other"]).status == 400)
            #expect(try await server.succeed(.get, "/v1/group/\(id)").text == before)
            let same = try await server.succeed(
                .patch,
                "/v1/group/\(id)",
                ["name": .string(group.name), "description": "ours"]
            )
            #expect(same["description"] == "ours")
        }
    }

    @Test("a name is free again when its group is deleted, and the new one has nothing of the old")
    func nameAfterDeletion() async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann")
            let project = try await server.project("p")
            let old = try await server.group("g", users: [ann])
            try await server.grant(.viewer, on: .project, project, to: .group(old))
            let deleted = try await server.succeed(.delete, "/v1/group/\(old)")
            #expect(deleted["deleted_at"]?.string != nil)
            #expect(try await server.call(.get, "/v1/group/\(old)").status == 403)
            let new = try await server.group("g", users: [ann])
            #expect(new != old)
            #expect(try await server.reach(project, as: ann) == [403, 403])
        }
    }

    @Test("the users of inner groups hold what the outer one is given, five deep")
    func nesting() async throws {
        try await TestServer.run { server in
            let ann = try await server.join("ann")
            let project = try await server.project("p")
            var group = try await server.group("group 0", users: [ann])
            for number in 1...4 { group = try await server.group("group \(number)", groups: [group]) }
            try await server.grant(.viewer, on: .project, project, to: .group(group))
            #expect(try await server.reach(project, as: ann) == [200, 403])
        }
    }
}
