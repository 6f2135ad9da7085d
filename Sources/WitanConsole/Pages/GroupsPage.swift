import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

/// The groups of the organization with their members, the roles, and who was granted what on the whole organization.
struct GroupsPage: SettingsPage {
    /// The parts of the page, each with one table.
    enum View: String, Sendable, CaseIterable {
        case groups
        case roles
        case access

        var title: String {
            switch self {
            case .groups: "Groups"
            case .roles: "Roles"
            case .access: "Access"
            }
        }
    }

    let groups: ResourceService
    let roles: ResourceService
    let grants: ResourceService
    let users: ResourceService
    let members: MemberService
    let limits: Limits

    let place = SettingsPlace(slug: "groups", title: "Groups and roles")

    func isOffered(to visit: Visit) -> Bool { visit.may(.read, .group) }

    func show(_ visit: Visit) async throws -> PageOutcome {
        switch view(visit) {
        case .groups: try await showGroups(visit)
        case .roles: try await showRoles(visit)
        case .access: try await showAccess(visit)
        }
    }

    func change(_ visit: Visit) async throws -> PageOutcome {
        switch view(visit) {
        case .groups: try await changeGroups(visit)
        case .roles: try await changeRoles(visit)
        case .access: try await changeAccess(visit)
        }
    }

    /// The part that the address asks for; that of the grants only for those who may read them.
    func view(_ visit: Visit) -> View {
        let view = View(rawValue: visit.request.query["view"] ?? "") ?? .groups
        return view != .access || visit.request.method == .post || visit.may(.readACLs, .organization) ? view : .groups
    }

    /// The links to the parts.
    func views(_ visit: Visit, current: View) -> [PageFrame.Link] {
        View.allCases.filter { $0 != .access || visit.may(.readACLs, .organization) }
            .map { view in
                PageFrame.Link(title: view.title, address: address(visit, view), isCurrent: view == current)
            }
    }

    /// The address of a part.
    func address(_ visit: Visit, _ view: View, _ query: [(name: String, value: String?)] = []) -> String {
        visit.address(of: place, [("view", view == .groups ? nil : view.rawValue)] + query)
    }

    // MARK: Groups

    private func showGroups(_ visit: Visit) async throws -> PageOutcome {
        let query = visit.request.query
        let all = try await members.groups(of: visit.organizationID, limit: limits.listedGroups, for: visit.caller)
        func chosen(_ name: String) -> DirectoryStore.Group? {
            query[name].flatMap { ObjectID($0) }.flatMap { id in all.first { $0.id == id } }
        }
        var dialog = Dialog()
        if query.has("add"), visit.may(.create, .group) {
            dialog.form = GroupForm(nil, sent: nil)
        } else if let group = chosen("edit"), visit.may(.update, .group) {
            dialog.form = GroupForm(group, sent: nil)
        } else if let group = chosen("delete"), visit.may(.delete, .group), !group.isBuiltIn {
            dialog.deletion = Deletion(
                id: group.id.description,
                name: group.name,
                content: Self.count(group)
            )
        } else if let group = chosen("members") {
            dialog.content = try await content(of: group, among: all, visit)
        }
        let notice: String? =
            switch told(visit, .groups) {
            case "added": "The group was added. It gives nothing until it is given access."
            case "saved": "The group was changed."
            case "deleted": "The group was deleted. What it gave, it gives no more."
            case "members": "The members were changed."
            default: nil
            }
        return groupsPage(visit, all, dialog, notice: notice)
    }

    private func changeGroups(_ visit: Visit) async throws -> PageOutcome {
        let (query, form) = (visit.request.query, visit.request.form)
        func id(_ name: String) -> ObjectID? { query[name].flatMap { ObjectID($0) } }
        do {
            if let group = id("delete") {
                _ = try await groups.delete(group, for: visit.caller)
                return done("deleted", visit)
            }
            if let group = id("members") {
                let body = try await membership(form, visit)
                _ = try await groups.patch(group, .object(body), for: visit.caller)
                return done("members", visit, .groups, [("members", group.description)])
            }
            let body = try Self.names(form, isNew: !query.has("edit"))
            if let group = id("edit") {
                _ = try await groups.patch(group, .object(body), null: .clear, for: visit.caller)
                return done("saved", visit)
            }
            let created = try await groups.create(.object(body), in: visit.selector, for: visit.caller)
            guard !created.wasFound else { throw Self.nameIsTaken }
            return done("added", visit)
        } catch let failure as Failure where failure.isForReader {
            // The store's own sentence knows no groups.
            let told = failure.code == .conflict ? Self.nameIsTaken : failure
            return try await refused(told, visit).failing(with: told)
        }
    }

    /// The name and the description that a form gives; those that it changes of something that is there.
    static func names(_ form: FormFields, isNew: Bool) throws(Failure) -> JSONObject {
        var body = JSONObject()
        if isNew || form.isChanged("name") {
            guard let name = form.text("name") else {
                throw Failure(.invalidRequest, "Write a name of at least one character.")
            }
            body["name"] = .string(name)
        }
        if isNew || form.isChanged("description") {
            body["description"] = form.text("description").map(JSONValue.string) ?? .null
        }
        return body
    }

    private static let nameIsTaken = Failure(.conflict, "There is a group of that name already; choose another.")

    private func done(_ code: String, _ visit: Visit) -> PageOutcome {
        done(code, visit, .groups)
    }

    /// Sends the browser to a part, which tells what was done.
    func done(
        _ word: String,
        _ visit: Visit,
        _ view: View,
        _ query: [(name: String, value: String?)] = []
    ) -> PageOutcome {
        visit.seeOther(address(visit, view, query), place, telling: "\(view.rawValue).\(word)")
    }

    /// The word of what a change in a part has done, in the visit after it.
    func told(_ visit: Visit, _ view: View) -> String? {
        let parts = visit.told(of: place)?.split(separator: ".").map(String.init) ?? []
        return parts.count == 2 && parts[0] == view.rawValue ? parts[1] : nil
    }

    /// The page with what was tried, to be mended.
    private func refused(_ failure: Failure, _ visit: Visit) async throws -> PageOutcome {
        let all = try await members.groups(of: visit.organizationID, limit: limits.listedGroups, for: visit.caller)
        let (query, form) = (visit.request.query, visit.request.form)
        let alert = failure.sentence
        var dialog = Dialog()
        let wanted = (query["edit"] ?? query["members"]).flatMap { ObjectID($0) }
        let group = wanted.flatMap { id in all.first { $0.id == id } }
        if let group, query.has("members") {
            dialog.content = try await content(of: group, among: all, visit, alert: alert)
        } else if form.has("name"), visit.may(query.has("edit") ? .update : .create, .group) {
            dialog.form = GroupForm(group, sent: form, alert: alert)
        }
        let isTold = dialog.content != nil || dialog.form != nil
        return groupsPage(visit, all, dialog, alert: isTold ? nil : alert)
    }

    /// What a form changes of a group's members.
    private func membership(_ form: FormFields, _ visit: Visit) async throws -> JSONObject {
        func items(_ id: String) -> JSONValue { .array([.string(id)]) }
        if let user = form["remove_user"] { return ["remove_member_users": items(user)] }
        if let group = form["remove_group"] { return ["remove_member_groups": items(group)] }
        if let group = form.text("group") { return ["add_member_groups": items(group)] }
        guard let email = form.sought("email") else {
            throw Failure(.invalidRequest, "Write the address of a member, or choose a group.")
        }
        return ["add_member_users": items(try await userID(email, visit).description)]
    }

    /// The member of an address.
    func userID(_ email: String, _ visit: Visit) async throws -> ObjectID {
        var request = ListRequest()
        request.organizationID = visit.organizationID
        request.conditions = [
            ListRequest.Condition(field: UserResource.email.spec.name, values: [AccountStore.normalized(email)])
        ]
        guard let id = try await users.list(request, for: visit.caller).page(limit: 1).records.first?.id else {
            throw Failure(.invalidRequest, "No member of the organization has that address; invite them first.")
        }
        return id
    }

    private func content(
        of group: DirectoryStore.Group,
        among all: [DirectoryStore.Group],
        _ visit: Visit,
        alert: String? = nil
    ) async throws -> Content? {
        guard visit.may(.read, .orgMember) else { return nil }
        let found = try await members.content(
            of: group.id,
            in: visit.organizationID,
            limit: limits.pageRows / 2,
            for: visit.caller
        )
        let held = Set(found.groups.map(\.id))
        return Content(
            id: group.id.description,
            name: group.name,
            users: found.users.map {
                Content.Item(
                    id: $0.id.description,
                    name: $0.displayName.shortened(to: 60),
                    email: $0.displayName == $0.email ? "" : $0.email.shortened(to: 60)
                )
            },
            groups: found.groups.map {
                Content.Item(id: $0.id.description, name: $0.name.shortened(to: 60), email: "")
            },
            isEmpty: found.users.isEmpty && found.groups.isEmpty,
            isCut: max(found.users.count, found.groups.count) == limits.pageRows / 2,
            offered: all.filter { $0.id != group.id && !held.contains($0.id) }.prefix(limits.offeredGroups)
                .map { GroupChoice(id: $0.id.description, name: $0.name.shortened(to: 30), isChosen: false) },
            mayChange: visit.may(.update, .group),
            alert: alert
        )
    }

    private func groupsPage(
        _ visit: Visit,
        _ all: [DirectoryStore.Group],
        _ dialog: Dialog,
        notice: String? = nil,
        alert: String? = nil
    ) -> PageOutcome {
        // Each row has three actions.
        let size = max(1, limits.pageRows / 2)
        let last = max(0, (all.count - 1) / size)
        let number = min(max(visit.request.query["page"].flatMap { Int($0) } ?? 0, 0), last)
        let values = Values(
            address: visit.address(of: place),
            addAddress: visit.address(of: place, [("add", "1")]),
            views: views(visit, current: .groups),
            mayCreate: visit.may(.create, .group),
            rows: all.dropFirst(number * size).prefix(dialog.isOpen ? limits.rowsBehindDialog : size)
                .map { group in
                    Row(
                        id: group.id.description,
                        name: group.name.shortened(to: 60),
                        description: (group.description ?? "").shortened(to: 100),
                        isBuiltIn: group.isBuiltIn,
                        members: Self.count(group),
                        mayRead: visit.may(.read, .orgMember),
                        mayUpdate: visit.may(.update, .group),
                        mayDelete: visit.may(.delete, .group) && !group.isBuiltIn
                    )
                },
            isCut: all.count == limits.listedGroups,
            limit: limits.listedGroups,
            isPaged: last > 0,
            previous: number > 0 ? FormFields.query([("page", "\(number - 1)")]) : nil,
            next: number < last ? FormFields.query([("page", "\(number + 1)")]) : nil,
            dialog: dialog
        )
        var content = PageContent("groups", values, notice: notice, alert: alert)
        if let form = dialog.form { content.title = form.title }
        if dialog.deletion != nil { content.title = "Delete group" }
        if dialog.content != nil { content.title = "Members of a group" }
        return .page(content)
    }

    private static func count(_ group: DirectoryStore.Group) -> String {
        func text(_ count: Int, _ noun: String, _ nouns: String) -> String? {
            switch count {
            case 0: nil
            case 1: "1 \(noun)"
            case DirectoryStore.countLimit: "\(count) \(nouns) or more"
            default: "\(count) \(nouns)"
            }
        }
        let parts = [text(group.users, "member", "members"), text(group.groups, "group", "groups")].compactMap(\.self)
        return parts.isEmpty ? "nobody" : parts.joined(separator: ", ")
    }
}

extension GroupsPage {
    private struct Dialog: Sendable {
        var form: GroupForm?
        var deletion: Deletion?
        var content: Content?

        var isOpen: Bool { form != nil || deletion != nil || content != nil }
    }

    private struct Values: Sendable {
        let address: String
        let addAddress: String
        let views: [PageFrame.Link]
        let mayCreate: Bool
        let rows: [Row]
        let isCut: Bool
        let limit: Int
        let isPaged: Bool
        let previous: String?
        let next: String?
        let dialog: Dialog
    }

    private struct Row: Sendable {
        let id: String
        let name: String
        let description: String
        let isBuiltIn: Bool
        let members: String
        let mayRead: Bool
        let mayUpdate: Bool
        let mayDelete: Bool
    }

    private struct GroupForm: Sendable {
        let title: String
        let query: String
        let name: ShownText
        let description: ShownText
        let isBuiltIn: Bool
        let alert: String?

        init(_ group: DirectoryStore.Group?, sent form: FormFields?, alert: String? = nil) {
            title = group == nil ? "Add group" : "Edit group"
            query = group.map { "edit=\($0.id)" } ?? "add=1"
            name = ShownText(group?.name ?? "", "name", sent: form)
            description = ShownText(group?.description ?? "", "description", sent: form, characters: 4_096)
            isBuiltIn = group?.isBuiltIn ?? false
            self.alert = alert
        }
    }

    private struct Deletion: Sendable {
        let id: String
        let name: String
        let content: String
    }

    private struct Content: Sendable {
        struct Item: Sendable {
            let id: String
            let name: String
            let email: String
        }

        let id: String
        let name: String
        let users: [Item]
        let groups: [Item]
        let isEmpty: Bool
        let isCut: Bool
        let offered: [GroupChoice]
        let mayChange: Bool
        let alert: String?
    }
}
