import HTTPTypes
import Testing
import WitanCore
import WitanEngines
import WitanHTTP
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage
import WitanTesting

/// The page of groups, roles and grants (ADR 0018).
@Suite("The page of groups changes them, shows roles, and gives and takes access")
struct GroupsPageTests {
    private static let page = "/app/Acme/configuration/org/groups"

    @Test("an owner makes, fills, empties, renames and deletes a group")
    func life() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            #expect(try await browser.get(Self.page + "?add=1").text.contains("<dialog"))
            let made = try await browser.post(Self.page + "?add=1", ["name": "Releases", "description": "Who ships"])
            #expect(made.status == 303)
            #expect(try await browser.follow(made).text.contains("Who ships"))
            let groups = try await server.succeed(.get, "/v1/group?group_name=Releases")
            let id = try #require(groups.ids.first)
            let read = { try await server.succeed(.get, "/v1/group/\(id)") }
            let members = Self.page + "?members=\(id)"

            let viewers = try await server.builtIn(.viewers)
            let member = server.member.id.description
            #expect(try await browser.get(members).text.contains("Nobody is in it."))
            let filled = try await browser.follow(
                try await browser.post(members, ["email": server.member.email.uppercased(), "group": ""])
            )
            #expect(filled.text.contains("<dialog") && filled.text.contains("<li data-id=\"\(member)\">"))
            #expect(try await browser.post(members, ["email": "", "group": viewers]).status == 303)
            #expect(try await read()["member_users"] == [.string(member)])
            #expect(try await read()["member_groups"] == [.string(viewers)])
            #expect(try await browser.get(Self.page).text.contains("1 member, 1 group"))
            #expect(try await browser.post(members, ["remove_user": member]).status == 303)
            #expect(try await browser.post(members, ["remove_group": viewers]).status == 303)
            let emptied = try await read()
            #expect(emptied["member_users"] == [] && emptied["member_groups"] == [])

            #expect(try await browser.get(Self.page + "?edit=\(id)").text.contains("value=\"Who ships\""))
            let renamed = try await browser.post(Self.page + "?edit=\(id)", ["name": "Shipping", "description": ""])
            #expect(renamed.status == 303)
            let changed = try await read()
            #expect(changed["name"] == "Shipping" && changed["description"] == .null)

            #expect(try await browser.get(Self.page + "?delete=\(id)").text.contains("“<bdi>Shipping</bdi>”"))
            let deleted = try await browser.follow(try await browser.post(Self.page + "?delete=\(id)", [:]))
            #expect(deleted.text.contains("The group was deleted.") && !deleted.text.contains("Shipping"))
            #expect(try await server.call(.get, "/v1/group/\(id)").status == 403)
        }
    }

    @Test("what cannot be done is said, with what was written, and nothing is changed")
    func refusals() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.page)
            let owners = try await server.builtIn(.owners)
            let group = try await server.group("one")
            for (query, fields, status, sentence) in [
                ("?add=1", ["name": "one"], 409, "of that name already"),
                ("?add=1", ["name": " "], 400, "at least one character"),
                ("?edit=\(group)", ["name": "Owners"], 409, "of that name already"),
                ("?edit=\(owners)", ["name": "Kings"], 400, "cannot be renamed"),
                ("?delete=\(owners)", [:], 400, "cannot be deleted"),
                ("?members=\(owners)", ["remove_user": server.owner.id.description], 400, "without an owner"),
                ("?members=\(group)", ["email": "nobody@acme.test"], 400, "invite them first"),
                ("?members=\(group)", ["email": server.stranger.email], 400, "invite them first"),
                ("?members=\(group)", ["group": group], 400, "this one itself"),
                ("?members=\(group)", [:], 400, "or choose a group"),
            ] as [(String, KeyValuePairs<String, String>, Int, String)] {
                let refused = try await browser.post(Self.page + query, fields)
                #expect(refused.status == status, "\(query)")
                #expect(refused.text.contains(sentence) && refused.text.contains("role=\"alert\""), "\(query)")
            }
            #expect(try await browser.get(Self.page + "?delete=\(owners)").text.contains("<dialog") == false)
            let forged = try await browser.post(Self.page + "?add=1", ["name": "forged"], token: "")
            #expect(forged.status == 403)
            #expect(try await !server.succeed(.get, "/v1/group").text.contains("forged"))
        }
    }

    @Test("an engineer sees groups and roles, is offered no change and no grants, and is refused each")
    func engineer() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let group = try await server.group("one", users: [server.owner])
            let browser = try await TestBrowser.signedIn(server.member, on: server)
            for query in ["", "?add=1", "?edit=\(group)", "?delete=\(group)", "?view=roles", "?view=access"] {
                let page = try await browser.get(Self.page + query)
                #expect(page.status == 200)
                for offer in [">Edit<", ">Delete<", "Add group", "Give access", "Take back", "view=access", "<dialog"] {
                    #expect(!page.text.contains(offer), "\(query) \(offer)")
                }
            }
            let members = try await browser.get(Self.page + "?members=\(group)")
            #expect(members.text.contains(server.owner.email) && !members.text.contains(">Add<"))
            #expect(!members.text.contains("remove_user"))
            let me = server.member.email
            let role = "role:\(SystemRole.owner.id)"
            for (query, fields) in [
                ("?add=1", ["name": "mine"]), ("?edit=\(group)", ["name": "mine"]), ("?delete=\(group)", [:]),
                ("?members=\(group)", ["email": me]),
                ("?members=\(group)", ["remove_user": server.owner.id.description]),
                ("?view=access&add=1", ["email": me, "what": role, "object": "organization"]),
            ] as [(String, KeyValuePairs<String, String>)] {
                try await browser.get(Self.page)
                #expect(try await browser.post(Self.page + query, fields).status == 403, "\(query)")
            }
            let groups = try await server.succeed(.get, "/v1/group/\(group)")
            #expect(groups["name"] == "one")
            #expect(groups["member_users"] == [.string(server.owner.id.description)])
            #expect(try await server.call(.get, "/v1/acl/list_org", as: server.member).status == 403)
            let nobody = try await TestBrowser.signedIn(try await server.memberOfNoGroup(), on: server)
            #expect(try await nobody.get(Self.page).status == 403)
        }
    }

    @Test("a role's matrix shows what it lets do, with what it takes over from others")
    func roles() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let inner = try await server.role("inner", [.delete])
            let outer = try await server.role("outer", [.read], roles: [inner])
            let browser = try await TestBrowser.signedIn(server.member, on: server)
            let list = try await browser.get(Self.page + "?view=roles")
            for name in ["Owner", "Engineer", "Viewer", "inner", "outer"] {
                #expect(list.text.contains("<bdi class=\"clamp\">\(name)</bdi>"))
            }
            let counts = { (role: String) in
                let page = try await browser.get(Self.page + "?view=roles&role=\(role)")
                #expect(page.text.contains("<dialog") && page.isShort)
                return (page.text.split(separator: "<td class=\"yes\">").count - 1, page)
            }
            let kinds = ObjectType.allCases.count
            #expect(try await counts(outer).0 == 2 * kinds)
            #expect(try await counts(SystemRole.owner.id.description).0 == 8 * kinds)
            let viewer = try await counts(SystemRole.viewer.id.description).1
            #expect(viewer.text.contains("<th scope=\"row\">organization</th><td class=\"no\">"))
            let foreign = try await server.role("theirs", as: server.stranger)
            let page = try await browser.get(Self.page + "?view=roles&role=\(foreign)")
            #expect(!page.text.contains("<dialog") && !page.text.contains("theirs"))
        }
    }

    @Test("an owner makes a role of the matrix's boxes, changes it and deletes it; an engineer cannot")
    func roleLife() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let view = Self.page + "?view=roles"
            let form = try await browser.get(view + "&add=1")
            #expect(form.text.contains("value=\"read:\"") && form.text.contains("value=\"delete:project\""))
            let made = try await browser.post(
                view + "&add=1",
                ["name": "shipper", "description": "ships", "permission": "read:", "permission": "delete:project"]
            )
            #expect(made.status == 303)
            #expect(try await browser.follow(made).text.contains("ships"))
            let id = try #require(try await server.succeed(.get, "/v1/role?role_name=shipper").ids.first)
            let permissions = {
                let items = try await server.succeed(.get, "/v1/role/\(id)")["member_permissions"]?.array ?? []
                return Set(
                    items.map {
                        "\($0.object?["permission"]?.string ?? ""):\($0.object?["restrict_object_type"]?.string ?? "")"
                    }
                )
            }
            #expect(try await permissions() == ["read:", "delete:project"])
            let edit = try await browser.get(view + "&edit=\(id)")
            #expect(edit.text.contains("value=\"read:\" aria-labelledby=\"c-read l-\" checked"))
            let changed = try await browser.post(
                view + "&edit=\(id)",
                [
                    "name": "shipper", "permission": "read:", "was.permission": "read:",
                    "permission": "update:dataset", "was.permission": "delete:project",
                ]
            )
            #expect(changed.status == 303)
            #expect(try await permissions() == ["read:", "update:dataset"])

            for (query, fields, status) in [
                ("&add=1", ["name": "shipper"], 409), ("&add=1", ["name": "Owner"], 409), ("&add=1", ["name": ""], 400),
                ("&add=1", ["name": "x", "permission": "fly:project"], 400),
                ("&edit=\(SystemRole.viewer.id)", ["name": "Viewer", "permission": "delete:"], 403),
                ("&delete=\(SystemRole.viewer.id)", [:], 403),
            ] as [(String, KeyValuePairs<String, String>, Int)] {
                let refused = try await browser.post(view + query, fields)
                #expect(refused.status == status, "\(query)")
                #expect(refused.text.contains("role=\"alert\"") && refused.isShort)
            }
            #expect(try await !browser.get(view + "&edit=\(SystemRole.viewer.id)").text.contains("<dialog"))
            let engineer = try await TestBrowser.signedIn(server.member, on: server)
            for query in ["&add=1", "&edit=\(id)", "&delete=\(id)"] {
                #expect(try await !engineer.get(view + query).text.contains("<dialog"))
                #expect(try await engineer.post(view + query, ["name": "mine"]).status == 403)
            }
            #expect(try await browser.get(view + "&delete=\(id)").text.contains("“<bdi>shipper</bdi>”"))
            #expect(try await browser.post(view + "&delete=\(id)", [:], token: "").status == 403)
            let deleted = try await browser.follow(try await browser.post(view + "&delete=\(id)", [:]))
            #expect(deleted.text.contains("The role was deleted.") && !deleted.text.contains("shipper"))
        }
    }

    @Test("access over the whole organization is given, counts at once, is shown, and is taken back")
    func access() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let group = try await server.group("readers", users: [server.member])
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let view = Self.page + "?view=access"
            let form = try await browser.get(view + "&add=1")
            #expect(form.text.contains("<dialog") && form.text.contains("permission:read_acls"))
            let log = "/v1/organization/audit_logs"
            #expect(try await server.call(.get, log, as: server.member).status == 403)
            let given = try await browser.post(
                view + "&add=1",
                ["group": group, "what": "permission:read", "object": "org_audit_logs", "kind": ""]
            )
            #expect(given.status == 303)
            #expect(try await server.call(.get, log, as: server.member).status == 200)
            let shown = try await browser.follow(given)
            #expect(shown.text.contains("<bdi class=\"clamp\">readers</bdi>"))
            for name in ["Owner", "Engineer", "Viewer"] { #expect(shown.text.contains("<bdi>\(name)</bdi>")) }
            let role = "role:\(SystemRole.viewer.id)"
            let person = try await browser.post(
                view + "&add=1",
                ["email": server.member.email, "what": role, "object": "org_project"]
            )
            #expect(try await browser.follow(person).text.contains("<bdi class=\"clamp\">Max Member</bdi>"))

            for (fields, status) in [
                (["group": group, "what": "permission:read", "object": "org_audit_logs"], 409),
                (["group": "", "what": role, "object": "organization"], 400),
                (["group": group, "what": "", "object": "organization"], 400),
                (["group": group, "what": role, "object": "project"], 400),
                (["group": group, "what": role, "object": "organization", "email": "x"], 303),
            ] as [(KeyValuePairs<String, String>, Int)] {
                #expect(try await browser.post(view + "&add=1", fields).status == status)
            }
            let grants = try await server.succeed(.get, "/v1/acl/list_org").objects
            let id = try #require(
                grants.first { $0["object_type"] == "org_audit_logs" && $0["group_id"] == .string(group) }?["id"]?
                    .string
            )
            let dialog = try await browser.get(view + "&revoke=\(id)")
            #expect(dialog.text.contains("“<bdi>readers</bdi>” loses “<bdi>read</bdi>” (audit log, "))
            let taken = try await browser.post(view + "&revoke=\(id)", [:])
            #expect(taken.status == 303)
            #expect(try await server.call(.get, log, as: server.member).status == 403)
            // The grant that makes the owners owners stays.
            let owners = try await server.builtIn(.owners)
            let own = try #require(grants.first { $0["group_id"] == .string(owners) }?["id"]?.string)
            let refused = try await browser.post(view + "&revoke=\(own)", [:])
            #expect(refused.status == 400 && refused.text.contains("cannot lose the role Owner"))
            #expect(try await browser.post(view + "&revoke=\(own)", [:], token: "").status == 403)
        }
    }

    @Test("the table of access is paged by whom it is of, however many grants each has, and counts single objects")
    func accessOfMany() async throws {
        var options = TestServer.Options()
        options.configuration.limits.pageRows = 4
        try await TestServer.run(on: .chosen, options) { server async throws in
            let project = try await server.project("p")
            let full = try await server.group("full")
            // Eight grants on the organization itself: more than a row shows.
            for permission in Permission.allCases {
                try await server.grant(.permission(permission), on: .orgProject, server.acme, to: .group(full))
            }
            let inner = try await server.group("inner")
            try await server.grant(.viewer, on: .project, project, to: .group(inner))
            try await server.grant(.permission(.read), on: .project, project, to: .group(inner))
            let other = try await server.project("q")
            try await server.grant(.viewer, on: .project, other, to: .group(inner))
            try await server.grant(.viewer, on: .project, other, to: .user(server.member))
            _ = try await server.group("empty")
            // What somebody was given elsewhere is not this organization's to tell.
            let both = try await server.join("both")
            _ = try await server.accounts.add(NewPerson(email: both.email), to: "Globex", groups: [])
            let foreign = try await server.succeed(.post, "/v1/project", ["name": "r"], as: server.stranger)
            let theirs = try #require(foreign["id"]?.string)
            let gift = JSONValue.grant(.viewer, on: .project, theirs, to: .user(both))
            try await server.succeed(.post, "/v1/acl", gift, as: server.stranger)

            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let view = Self.page + "?view=access"
            var pages: [TestServer.Answer] = []
            var query: String? = "?view=access"
            while let next = query {
                pages.append(try await browser.get(Self.page + next))
                query = pages.last?.pageLink("next")
            }
            let seen = pages.flatMap(\.rowIDs)
            var builtIn: [String] = []
            for group in [BuiltInGroup.owners, .engineers, .viewers] { builtIn.append(try await server.builtIn(group)) }
            // Groups come before people; the owner owns the projects that they made.
            #expect(
                Set(seen) == Set(builtIn + [full, inner, server.owner.id.description, server.member.id.description])
            )
            #expect(seen.count == 7 && seen.last == server.member.id.description)
            #expect(pages.map(\.rowIDs.count) == [2, 2, 2, 1])
            for index in pages.indices.dropFirst().reversed() {
                let before = try await browser.get(Self.page + (try #require(pages[index].pageLink("prev"))))
                #expect(before.rowIDs == pages[index - 1].rowIDs)
            }
            let text = pages.map(\.text).joined()
            let rows = Dictionary(
                uniqueKeysWithValues: text.split(separator: "<tr data-id=\"").dropFirst()
                    .map { (String($0.prefix(36)), $0.split(separator: "</tr>")[0]) }
            )
            #expect(rows[inner]?.contains("and 2 single objects") == true)
            #expect(rows[server.member.id.description]?.contains("and 1 single object<") == true)
            #expect(rows[full]?.contains("single object") == false)
            #expect(rows[full]?.ranges(of: "Take back").count == Limits().grantsOfRow)
            #expect(rows[full]?.contains("?view=access&amp;who=\(full)") == true)
            let all = try await browser.get(view + "&who=\(full)")
            #expect(all.rowIDs == [full] && all.text.ranges(of: "Take back").count == Permission.allCases.count)
            #expect(all.text.contains("Show everybody"))
            for nobody in [both.id.description, server.stranger.id.description, server.acme, "nonsense"] {
                let page = try await browser.get(view + "&who=\(nobody)&after=\(nobody)")
                #expect(page.status == 200 && !page.text.contains("single object<"))
            }
        }
    }

    @Test("grants on single objects cost no more than a thousand of them, however many there are")
    func accessToManyObjects() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let group = try await server.group("many")
            let project = try await server.project("p")
            try await server.grant(.viewer, on: .project, project, to: .group(group))
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            let view = Self.page + "?view=access"
            _ = try await browser.get(view)
            let few = try await server.database.statements { _ = try await browser.get(view) }
            let (organization, role) = (server.owner.organizationID, SystemRole.viewer.id)
            try await server.database.write { connection in
                let store = ResourceStore(ACLResource.resource)
                let ids = ObjectIDGenerator(time: .system, random: .system)
                for _ in 1...1_005 {
                    var grant = Record(fields: ACLResource.resource.fields)
                    grant[ACLResource.id] = ids.next()
                    grant[ACLResource.created] = Timestamp(seconds: 1)
                    grant[name: ACLResource.objectType.spec.name] = .text(ObjectType.dataset.rawValue)
                    grant[ACLResource.objectID] = ids.next()
                    grant[ACLResource.group] = ObjectID(group)
                    grant[ACLResource.role] = role
                    grant[ACLResource.organization] = organization
                    try store.insert(grant, on: connection)
                }
            }
            let many = try await server.database.statements {
                let page = try await browser.get(view)
                #expect(page.text.contains("and \(DirectoryStore.countLimit) single objects or more"))
                #expect(page.isShort)
            }
            #expect(many == few)
        }
    }

    @Test("a hostile name is text and nothing else", arguments: hostileNames)
    func hostile(name: String) async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let robot = try await server.serviceAccount(name)
            let inner = try await server.group("inner \(name.prefix(1_000))")
            let group = try await server.group(name, users: [robot], groups: [inner])
            let role = try await server.role(name, [.read])
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            try await browser.get(Self.page)
            let given = try await browser.post(
                Self.page + "?view=access&add=1",
                ["group": group, "what": "role:\(role)", "object": "org_project"]
            )
            #expect(given.status == 303)
            for query in [
                "", "?add=1", "?edit=\(group)", "?delete=\(group)", "?members=\(group)", "?view=roles",
                "?view=roles&role=\(role)", "?view=roles&edit=\(role)", "?view=roles&delete=\(role)", "?view=access",
                "?view=access&add=1",
            ] {
                let page = try await browser.get(Self.page + query)
                #expect(page.status == 200)
                #expect(!page.isTainted && page.isShort, "\(query)")
            }
        }
    }

    @Test("no part is longer than 60 KiB, and each is paged through without gaps")
    func size() async throws {
        try await TestServer.run(on: .chosen) { server async throws in
            let name = String(repeating: "&\"<", count: 340)
            let accounts: [JSONValue] = (100...150).map { ["name": .string("\(name)\($0)")] }
            let full = try await server.group("\(name)full")
            try await server.succeed(
                .patch,
                "/v1/organization/members",
                ["invite_users": ["service_accounts": .array(accounts), "group_ids": [.string(full)]]]
            )
            for number in 100...204 {
                let group = try await server.make(
                    "group",
                    ["name": .string("\(name)\(number)"), "description": .string(name)]
                )
                if number < 150 {
                    let role = try await server.role("\(name)\(number)")
                    try await server.succeed(
                        .post,
                        "/v1/acl",
                        [
                            "object_type": "org_project", "object_id": .string(server.acme),
                            "group_id": .string(group), "role_id": .string(role),
                        ]
                    )
                    try await server.succeed(.patch, "/v1/group/\(full)", ["add_member_groups": [.string(group)]])
                }
            }
            let browser = try await TestBrowser.signedIn(server.owner, on: server)
            for (view, count) in [("?", 109), ("?view=roles", 53), ("?view=access", 54)] {
                var seen: [String] = []
                var query: String? = view
                while let next = query {
                    let page = try await browser.get(Self.page + next)
                    #expect(page.isShort, "\(next) \(page.bytes.count)")
                    seen += page.rowIDs
                    query = page.pageLink("next")
                }
                #expect(seen.count == count && Set(seen).count == count, "\(view)")
            }
            for query in [
                "?add=1", "?edit=\(full)", "?delete=\(full)", "?members=\(full)", "?view=access&add=1",
                "?view=roles&add=1",
            ] {
                let page = try await browser.get(Self.page + query)
                #expect(page.text.contains("<dialog"))
                #expect(page.isShort, "\(query) \(page.bytes.count)")
            }
        }
    }
}
