import Foundation
import Testing
import WitanJSON

extension ProcessTests {
    @Suite struct AccessCommandTests {
        @Test("An organization is run alike on a stopped server's data and over a running one")
        func bothPlaces() async throws {
            let stopped = try TemporaryFolder()
            _ = try await stopped.initialize()
            try await Self.runOrganization(.data(stopped))

            let running = try TemporaryFolder()
            let key = try await running.initialize()
            try await ServerProcess.run(running.data) { server in
                let place = Place.api(server, key: key)
                try await Self.runOrganization(place)
                #expect(
                    try await Self.output(place, "members", "invite", "dora@example.com", "--send-mail")
                        .hasPrefix("Invited dora@example.com, into no group. No mail was sent: ")
                )
            }
            for folder in [stopped, running] {
                try await Command.witan("audit", "verify", "--data", folder.data).expectSuccess()
            }
        }

        /// Members, groups, roles, grants and service accounts come and go, named as people name them.
        private static func runOrganization(_ place: Place) async throws {
            try await members(place)
            try await groups(place)
            try await roles(place)
            try await grants(place)
            try await serviceAccounts(place)

            #expect(
                try await output(place, "members", "remove", "Bob@example.com", "carl@example.com")
                    == "Removed Bob@example.com, carl@example.com.\n"
            )
            #expect(
                try await objects(place, "members", "list").compactMap { $0["email"]?.string } == ["ada@example.com"]
            )
            let deleted = try await objects(place, "audit", "list", "--event", "org_member.deleted", "--since", "1h")
            #expect(
                deleted.compactMap { $0["object_name"]?.string }
                    == ["carl@example.com", "bob@example.com", try #require(deleted.last?["object_name"]?.string)]
            )
            #expect(try await objects(place, "audit", "list", "--since", "2036-01-31T12:00:00Z").isEmpty)
            #expect(try await objects(place, "audit", "list", "--limit", "2").count == 2)
        }

        private static func members(_ place: Place) async throws {
            #expect(
                try await output(place, "members", "invite", "Bob@example.com", "--group", "Engineers")
                    == "Invited Bob@example.com into Engineers.\n"
            )
            let mixed = try await output(place, "members", "invite", "bob@example.com", "carl@example.com")
            #expect(mixed.hasPrefix("Invited carl@example.com, into no group. bob@example.com is a member already;"))
            let engineers = try await objects(place, "members", "list", "--group", "Engineers")
            #expect(engineers.map { $0["email"] } == ["bob@example.com"])
            // An id does in place of a name, of the kind that is asked for.
            let bob = try #require(engineers.first?["id"]?.string)
            try await place.run("service-accounts", "delete", bob).expectRefusal("no service account “\(bob)”")
            try await place.run("groups", "remove", "Viewers", bob).expectSuccess()
            let table = try await output(place, "members", "list").split(separator: "\n")
            #expect(table.map { $0.split(separator: " ").last } == ["groups", "-", "Engineers", "Owners"])
        }

        private static func groups(_ place: Place) async throws {
            let made = try await object(place, "groups", "create", "Interns", "--description", "For a summer")
            #expect(made["name"] == "Interns" && made["description"] == "For a summer")
            let add = ["groups", "add", "Viewers", "carl@example.com", "group:Interns"]
            #expect(
                try await output(place, add) == "Put carl@example.com, group:Interns into Viewers.\n"
            )
            let listed = try await output(place, "groups", "list").split(separator: "\n")
            #expect(listed.contains { $0.contains("Viewers") && $0.hasSuffix("  1      Interns") })
            let less = try await object(place, "groups", "remove", "Viewers", "carl@example.com", "group:Interns")
            #expect(less["member_users"] == [] && less["member_groups"] == [])
        }

        private static func roles(_ place: Place) async throws {
            let role = ["roles", "create", "Reviewer", "read", "update:prompt", "--member-role", "Viewer"]
            #expect(try await object(place, role)["member_permissions"]?.array?.count == 2)
            try await place.run("roles", "allow", "Reviewer", "create:dataset").expectSuccess()
            let less = try await output(place, "roles", "disallow", "Reviewer", "read", "--member-role", "Viewer")
            #expect(less == "Reviewer itself no longer allows read, all that Viewer allows.\n")
            let roles = try await output(place, "roles", "list").split(separator: "\n")
            #expect(
                roles.contains { $0.contains("Reviewer") && $0.contains("  create:dataset, update:prompt  ") },
                "\(roles)"
            )
            #expect(roles.count { $0.contains("  yes  ") } == 3)
        }

        private static func grants(_ place: Place) async throws {
            let permission = ["read", "--to", "carl@example.com", "--on", "group:Interns"]
            let restricted = ["read", "--only", "project", "--to", "carl@example.com", "--on", "org_project:Acme"]
            let role = ["--role", "Reviewer", "--to", "group:Interns", "--on", "organization:Acme"]
            #expect(
                try await output(place, ["grants", "give"] + restricted)
                    == "Gave read for project on org_project:Acme to carl@example.com.\n"
            )
            let given = try await object(place, ["grants", "give"] + permission)
            #expect(try await object(place, ["grants", "give"] + permission)["id"] == given["id"])
            try await place.run(["grants", "give"] + role).expectSuccess()
            let all = try await output(place, "grants", "list").split(separator: "\n").map(columns)
            for row in [
                ["carl@example.com", "read", "group:Interns"],
                ["carl@example.com", "read:project", "org_project:Acme"],
                ["group:Interns", "role:Reviewer", "organization:Acme"],
            ] {
                #expect(all.contains { $0.dropFirst() == row[...] }, "\(row) in \(all)")
            }
            let some = try await objects(place, "grants", "list", "--on", "org_project:Acme")
            #expect(some.map { $0["restrict_object_type"] } == ["project"])
            for grant in [permission, restricted, role] {
                try await place.run(["grants", "take"] + grant).expectSuccess()
                try await place.run(["grants", "take"] + grant).expectRefusal()
            }
        }

        private static func serviceAccounts(_ place: Place) async throws {
            let create = ["service-accounts", "create", "ci", "--group", "Engineers", "--token", "first"]
            #expect(try await output(place, create).wholeMatch(of: /bt-st-\w{48}\n/) != nil)
            try await place.run(create).expectRefusal("“ci” already")
            let token = try await object(place, "service-accounts", "token", "ci", "--name", "second")
            #expect(token["key"]?.string?.wholeMatch(of: /bt-st-\w{48}/) != nil)
            let id = try #require(token["id"]?.string)
            let accounts = try await output(place, "service-accounts", "list").split(separator: "\n")
            #expect(accounts.count == 2 && accounts[1].contains("  Engineers  "))
            try await place.run("groups", "add", "Interns", "service-account:ci").expectSuccess()

            let tokens = try await objects(place, "service-accounts", "tokens")
            #expect(tokens.map { $0["name"] } == ["second", "first"] && tokens.allSatisfy { $0["key"] == nil })
            let revoked = try await output(place, "service-accounts", "revoke", id)
            #expect(revoked.wholeMatch(of: /Revoked bt-st-\*{4}\w{4} \(.+\)\.\n/) != nil && revoked.contains(id))
            try await place.run("service-accounts", "revoke", id).expectRefusal(id)
            try await place.run("service-accounts", "delete", "ci").expectSuccess()
            #expect(try await objects(place, "service-accounts", "tokens").isEmpty)
            #expect(try await objects(place, "service-accounts", "list").isEmpty)

            try await place.run("groups", "delete", "Interns").expectSuccess()
            try await place.run("roles", "delete", "Reviewer").expectSuccess()
            #expect(try await objects(place, "groups", "list").count == 3)
            #expect(try await objects(place, "roles", "list").count == 3)
        }

        @Test("What cannot be done is a sentence, in the one place as in the other, and changes nothing")
        func errors() async throws {
            let folder = try TemporaryFolder()
            let key = try await folder.initialize()
            let refusals: [(arguments: [String], part: String)] = [
                (["groups", "add", "Nobodies", "ada@example.com"], "no group “Nobodies”; `witan groups list` shows"),
                (["groups", "add", "Owners", "eve@example.com"], "no member “eve@example.com”; `witan members list`"),
                (["groups", "add", "Owners", "service-account:ci"], "no service account “ci”"),
                (["groups", "create", "Owners"], "a group “Owners” already"),
                (["groups", "delete", "Owners"], "built in"),
                (["groups", "remove", "Owners", "ada@example.com"], "without an owner"),
                (["members", "remove", "ada@example.com"], "without an owner"),
                (["members", "remove", "eve@example.com"], "no member “eve@example.com”"),
                (["members", "invite", "eve@example.com", "--group", "Nobodies"], "no group named Nobodies"),
                (["members", "invite", "eve"], "must be an address"),
                (["members", "list", "--group", "Nobodies"], "no group “Nobodies”"),
                (["roles", "create", "Engineer"], "a role “Engineer” already"),
                (["roles", "delete", "Engineer"], "can be used, and not changed"),
                (["roles", "create", "Reviewer", "--member-role", "Critic"], "no role “Critic”"),
                (
                    ["grants", "give", "--role", "Critic", "--to", "ada@example.com", "--on", "group:Owners"],
                    "“Critic”"
                ),
                (
                    ["grants", "give", "read", "--to", "ada@example.com", "--on", "project:Support"],
                    "project “Support”"
                ),
                (["grants", "list", "--on", "project:Support"], "no project “Support”; check its name"),
                (["grants", "list", "--on", "organization:Globex"], "no organization “Globex”"),
                (["grants", "list", "--on", "dataset:Support"], "no objects of the kind dataset"),
                (
                    ["grants", "take", "--role", "Owner", "--to", "group:Owners", "--on", "organization:Acme"],
                    "cannot lose the role Owner"
                ),
                (["service-accounts", "delete", "ci"], "no service account “ci”"),
                (["audit", "list", "--actor", "eve@example.com"], "no member “eve@example.com”"),
            ]
            let usages: [[String]] = [
                ["groups", "add", "Owners"], ["members", "invite"], ["roles", "allow", "Engineer"],
                ["roles", "create", "Reviewer", "raed"], ["roles", "create", "Reviewer", "read:people"],
                ["grants", "give", "read", "--on", "group:Owners"], ["audit", "list", "--since", "yesterday"],
                ["grants", "give", "raed", "--to", "ada@example.com", "--on", "group:Owners"],
                ["grants", "give", "--to", "ada@example.com", "--on", "group:Owners"],
                ["grants", "give", "read", "--role", "Owner", "--to", "ada@example.com", "--on", "group:Owners"],
                ["grants", "give", "--role", "Owner", "--only", "project", "--to", "a@b.c", "--on", "group:Owners"],
                ["grants", "list", "--on", "Owners"], ["service-accounts", "revoke", "ci"],
                ["audit", "list", "--limit", "-1"],
            ]
            func expectRefusals(_ place: Place) async throws {
                for refusal in refusals { try await place.run(refusal.arguments).expectRefusal(refusal.part) }
            }
            let place = Place.data(folder)
            try await expectRefusals(place)
            try await ServerProcess.run(folder.data) { try await expectRefusals(.api($0, key: key)) }
            for usage in usages { try await place.run(usage).expectRefusal(code: 64) }
            try await place.run("members", "invite", "eve@example.com", "--send-mail")
                .expectRefusal("--send-mail goes with --url", code: 64)
            try await place.run("groups", "list", "--organization", "Globex")
                .expectRefusal("There is no organization of that name")
            try await place.run("organizations", "set", "Globex", "--ownership-grants", "off")
                .expectRefusal("There is no organization of that name")
            try await place.run("organizations", "set", "Acme", "--ownership-grants", "maybe")
                .expectRefusal("on, off", code: 64)
            let done = try await Self.objects(place, "audit", "list")
            #expect(done.count { $0["outcome"] == "success" } == 3)
        }

        @Test("Over the API nobody gives more than they hold, however they try")
        func escalation() async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            let data = Place.data(folder)
            try await data.run("members", "invite", "bob@example.com", "--group", "Engineers").expectSuccess()
            for permission in ["create_acls", "delete_acls"] {
                try await data.run("grants", "give", permission, "--to", "bob@example.com", "--on", "organization:Acme")
                    .expectSuccess()
            }
            try await data.run("grants", "give", "update", "--to", "bob@example.com", "--on", "group:Owners")
                .expectSuccess()
            let made = try await data.run("keys", "create", "--name", "laptop", "--email", "bob@example.com")
            let key = made.output.trimmingCharacters(in: .newlines)
            let (owner, engineer) = (["--role", "Owner"], ["--role", "Engineer"])
            let toBob = ["--to", "bob@example.com", "--on", "organization:Acme"]

            try await ServerProcess.run(folder.data) { server in
                let bob = Place.api(server, key: key)
                try await bob.run(["grants", "give"] + engineer + toBob).expectSuccess()
                for arguments in [
                    ["grants", "give"] + owner + toBob, ["grants", "give", "delete"] + toBob,
                    ["groups", "add", "Owners", "bob@example.com"], ["groups", "add", "Owners", "group:Engineers"],
                ] {
                    try await bob.run(arguments).expectRefusal("what you do not hold yourself", hiding: [key])
                }
                for arguments in [
                    ["roles", "allow", "Engineer", "delete"],
                    ["members", "invite", "eve@example.com", "--group", "Owners"],
                    ["service-accounts", "create", "ci"], ["members", "remove", "ada@example.com"], ["audit", "list"],
                    ["groups", "create", "Bobs"], ["groups", "delete", "Viewers"],
                ] {
                    try await bob.run(arguments).expectRefusal("The server refused: ", hiding: [key])
                }
            }
            let refused = try await Self.objects(data, "audit", "list", "--actor", "bob@example.com")
            #expect(refused.count { $0["outcome"] == "denied" } == 11)
            #expect(try await Self.objects(data, "members", "list", "--group", "Owners").count == 1)
        }

        @Test(
            "explain says yes or no by its exit code and why in words, and reads, as audit list does, beside a server"
        )
        func explain() async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            let place = Place.data(folder)
            try await place.run("groups", "create", "Interns").expectSuccess()
            try await place.run("groups", "add", "Viewers", "group:Interns").expectSuccess()
            try await place.run("members", "invite", "bob@example.com", "--group", "Interns").expectSuccess()
            try await place.run("service-accounts", "create", "ci").expectSuccess()
            let question = ["explain", "bob@example.com", "read", "org_project:Acme"]
            try await ServerProcess.run(folder.data) { _ in
                let yes = try await place.run(question)
                yes.expectSuccess()
                #expect(yes.output.hasPrefix("Yes: bob@example.com holds read on org_project:Acme.\n"))
                #expect(yes.output.contains("by group Interns → Viewers"))
                #expect(try await Self.object(place, question)["allowed"] == true)
                for (user, permission) in [("bob@example.com", "update"), ("service-account:ci", "read")] {
                    let no = try await place.run("explain", user, permission, "org_project:Acme", "--json")
                    #expect(no.end == .code(1) && no.error.isEmpty, "\(no)")
                    #expect(try JSONParser.parse(Array(no.output.utf8)).object?["allowed"] == false)
                }
                try await place.run("explain", "eve@example.com", "read", "org_project:Acme").expectRefusal("nobody")
                try await place.run("explain", "bob@example.com", "raed", "org_project:Acme").expectRefusal(code: 64)
                try await place.run("explain", "bob@example.com", "read", "Acme").expectRefusal(code: 64)
                let log = try await Self.objects(place, "audit", "list", "--object", "group:Interns")
                #expect(log.map { $0["event_type"] } == ["group.created"])
                try await place.run("groups", "list").expectRefusal("in use")
            }
            let older = "DELETE FROM schema_migrations WHERE number = (SELECT MAX(number) FROM schema_migrations)"
            try await Command.run("sqlite3", folder.path("data/witan.db"), older)
            for arguments in [question, ["audit", "list"]] {
                try await place.run(arguments).expectRefusal("run `witan migrate`")
            }
        }

        @Test("A command acts for an owner, by whichever way they own the organization")
        func nestedOwner() async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            let place = Place.data(folder)
            try await place.run("groups", "create", "Founders").expectSuccess()
            try await place.run("groups", "add", "Founders", "ada@example.com").expectSuccess()
            try await place.run("groups", "add", "Owners", "group:Founders").expectSuccess()
            try await place.run("groups", "remove", "Owners", "ada@example.com").expectSuccess()
            try await place.run("members", "invite", "bob@example.com", "--group", "Owners").expectSuccess()
            try await place.run("members", "remove", "ada@example.com").expectSuccess()
            try await place.run("members", "remove", "bob@example.com").expectRefusal("without an owner")
            let events = try await Self.objects(place, "audit", "list", "--event", "org_member.deleted")
            #expect(events.map { $0["authentication"] } == ["command_line"])
            #expect(events.map { $0["actor_id"] } == [.null])
        }

        @Test("A hostile name reaches no terminal, and a program gets it whole")
        func hostileNames() async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            let place = Place.data(folder)
            let name = "Owners\u{1B}[2J\r\n\u{202E}\u{2028}\u{85}\u{7}sre\u{0308}nwO"
            try await place.run("groups", "create", name).expectSuccess()
            try await place.run("groups", "add", name, "ada@example.com").expectSuccess()
            try await place.run("grants", "give", "read", "--to", "group:\(name)", "--on", "group:\(name)")
                .expectSuccess()
            #expect(try await Self.objects(place, "groups", "list").first?["name"]?.string == name)
            for (command, lines) in [
                (["groups", "list"], 5), (["members", "list"], 2), (["grants", "list"], 5), (["audit", "list"], 7),
                (["explain", "ada@example.com", "read", "group:\(name)"], 3),
            ] {
                let output = try await Self.output(place, command)
                #expect(output.contains("Owners?[2J??"), "\(output)")
                #expect(output.split(separator: "\n").count == lines, "\(output)")
                #expect(
                    output.unicodeScalars.allSatisfy {
                        $0 == "\n" || !["\u{1B}", "\r", "\u{202E}", "\u{2028}", "\u{85}", "\u{7}"].contains($0)
                    }
                )
            }
        }

        @Test("Where there are several organizations a command names one, and touches no other")
        func organizations() async throws {
            let folder = try TemporaryFolder()
            _ = try await folder.initialize()
            let place = Place.data(folder)
            try await place.run("organizations", "create", "--name", "Böhm & Co", "--owner", "ada@example.com")
                .expectSuccess()
            try await place.run("groups", "list").expectRefusal("name one with --organization")
            let there = ["--organization", "Böhm & Co"]
            try await place.run(["groups", "create", "Interns"] + there).expectSuccess()
            try await place.run("groups", "add", "Interns", "ada@example.com", "--organization", "Acme")
                .expectRefusal("no group “Interns”")
            #expect(try await Self.objects(place, "groups", "list", "--organization", "Acme").count == 3)

            let token = try await Command.witan("users", "token", "ada@example.com", "--data", folder.data).output
            try await ServerProcess.run(folder.data) { server in
                let api = Place.api(server, key: token.trimmingCharacters(in: .newlines))
                try await api.run("groups", "create", "Guests").expectRefusal("org_name must name one")
                try await api.run(["groups", "create", "Guests"] + there).expectSuccess()
                try await api.run(["members", "invite", "bob@example.com", "--group", "Guests"] + there).expectSuccess()
                #expect(try await Self.objects(api, ["groups", "list"] + there).count == 5)
                #expect(try await Self.objects(api, "groups", "list", "--organization", "Acme").count == 3)
                #expect(try await Self.objects(api, "members", "list", "--organization", "Acme").count == 1)
            }
        }

        @Test("What a command makes is nobody's own; what a person makes is theirs, unless the organization says no")
        func ownership() async throws {
            let folder = try TemporaryFolder()
            let key = try await folder.initialize()
            let place = Place.data(folder)
            func isOwned(_ group: String) async throws -> Bool {
                try await !Self.objects(place, "grants", "list", "--on", "group:\(group)").isEmpty
            }
            let made = try await Self.object(place, "groups", "create", "By command")
            #expect(made["user_id"] == .null)
            for (name, state) in [("First", "on"), ("Second", "off"), ("Third", "on")] {
                try await place.run("organizations", "set", "Acme", "--ownership-grants", state).expectSuccess()
                try await ServerProcess.run(folder.data) { server in
                    try await Place.api(server, key: key).run("groups", "create", name).expectSuccess()
                }
            }
            #expect(try await isOwned("By command") == false)
            #expect(try await isOwned("First"))
            #expect(try await isOwned("Second") == false)
            #expect(try await isOwned("Third"))
            let changes = try await Self.objects(place, "audit", "list", "--event", "organization.updated")
            #expect(
                changes.map { $0["details"]?.object?["grants_ownership"] } == [true, false],
                "A change is a row, and what changes nothing is none."
            )
        }

        // MARK: Answers

        private static func output(_ place: Place, _ arguments: String...) async throws -> String {
            try await output(place, arguments)
        }

        private static func output(_ place: Place, _ arguments: [String]) async throws -> String {
            let command = try await place.run(arguments)
            command.expectSuccess()
            return command.output
        }

        private static func object(_ place: Place, _ arguments: String...) async throws -> JSONObject {
            try await object(place, arguments)
        }

        private static func object(_ place: Place, _ arguments: [String]) async throws -> JSONObject {
            try await place.run(arguments + ["--json"]).json()
        }

        private static func objects(_ place: Place, _ arguments: String...) async throws -> [JSONObject] {
            try await objects(place, arguments)
        }

        private static func objects(_ place: Place, _ arguments: [String]) async throws -> [JSONObject] {
            let answer = try await object(place, arguments)
            return try #require(answer["objects"]?.array).compactMap(\.object)
        }

        private static func columns(_ line: Substring) -> [String] {
            line.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }
}
