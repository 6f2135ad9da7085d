import WitanAccess
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

// The roles, and what each lets do.
extension GroupsPage {
    func showRoles(_ visit: Visit) async throws -> PageOutcome {
        let query = visit.request.query
        var dialog = RoleDialog()
        func id(_ name: String) -> ObjectID? { query[name].flatMap { ObjectID($0) } }
        if query.has("add"), visit.may(.create, .role) {
            dialog.form = RoleForm(id: nil, nil, sent: nil)
        } else if let id = id("edit"), visit.may(.update, .role) {
            dialog.form = try await changeable(id, visit).map { RoleForm(id: id, $0, sent: nil) }
        } else if let id = id("delete"), visit.may(.delete, .role) {
            dialog.deletion = try await changeable(id, visit)
                .map {
                    RoleDeletion(id: id.description, name: $0[RoleResource.name] ?? "")
                }
        } else if let id = id("role") {
            dialog.matrix = try await matrix(of: id, visit)
        }
        let notice: String? =
            switch told(visit, .roles) {
            case "added": "The role was added. It counts where it is given."
            case "saved": "The role was changed, wherever it is given."
            case "deleted": "The role was deleted. Who had it, has it no more."
            default: nil
            }
        return try await rolesPage(visit, dialog, notice: notice)
    }

    func changeRoles(_ visit: Visit) async throws -> PageOutcome {
        let (query, form) = (visit.request.query, visit.request.form)
        func id(_ name: String) -> ObjectID? { query[name].flatMap { ObjectID($0) } }
        func done(_ code: String) -> PageOutcome { self.done(code, visit, .roles) }
        do {
            if let role = id("delete") {
                _ = try await roles.delete(role, for: visit.caller)
                return done("deleted")
            }
            var body = try Self.names(form, isNew: !query.has("edit"))
            if let role = id("edit") {
                let (added, removed) = (form.added(to: "permission"), form.removed(from: "permission"))
                if !added.isEmpty { body["add_member_permissions"] = Self.items(added) }
                if !removed.isEmpty { body["remove_member_permissions"] = Self.items(removed) }
                _ = try await roles.patch(role, .object(body), null: .clear, for: visit.caller)
                return done("saved")
            }
            body["member_permissions"] = Self.items(Set(form.all("permission")))
            let created = try await roles.create(.object(body), in: visit.selector, for: visit.caller)
            guard !created.wasFound else { throw Self.roleNameIsTaken }
            return done("added")
        } catch let failure as Failure where failure.isForReader {
            // The store's own sentence knows no roles.
            let told = failure.code == .conflict ? Self.roleNameIsTaken : failure
            let alert = told.sentence
            var dialog = RoleDialog()
            if !query.has("delete"), visit.may(query.has("edit") ? .update : .create, .role) {
                dialog.form = RoleForm(id: id("edit"), nil, sent: form, alert: alert)
            }
            return try await rolesPage(visit, dialog, alert: dialog.form == nil ? alert : nil).failing(with: told)
        }
    }

    private static let roleNameIsTaken = Failure(
        .conflict,
        "There is a role of that name already; choose another."
    )

    /// The items of a role for texts such as `read:project`, and `read:` for all kinds.
    private static func items(_ texts: Set<String>) -> JSONValue {
        .array(
            texts.sorted()
                .map { text in
                    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                        .map(String.init)
                    let kind = parts.count == 2 && !parts[1].isEmpty ? JSONValue.string(parts[1]) : .null
                    return ["permission": .string(parts[0]), "restrict_object_type": kind]
                }
        )
    }

    /// A role of the organization's own; nil for those that all organizations share.
    private func changeable(_ id: ObjectID, _ visit: Visit) async throws -> Record? {
        try await readRoles([id], visit).first { $0[RoleResource.organization] == visit.organizationID }
    }

    private func readRoles(_ ids: [ObjectID], _ visit: Visit) async throws -> [Record] {
        var request = ListRequest()
        request.organizationID = visit.organizationID
        request.ids = ids
        return try await roles.list(request, for: visit.caller).page(limit: limits.offeredGroups).records
    }

    private func rolesPage(
        _ visit: Visit,
        _ dialog: RoleDialog,
        notice: String? = nil,
        alert: String? = nil
    ) async throws -> PageOutcome {
        var request = ListRequest()
        request.organizationID = visit.organizationID
        request.cursor = ListOrder.cursor(visit.request.query)
        request.order = ListRequest.Order(field: RoleResource.name.spec.name, isDescending: false)
        let found = try await roles.list(request, for: visit.caller)
            .page(limit: dialog.isOpen ? limits.rowsBehindDialog : limits.pageRows)
        let values = RoleValues(
            address: address(visit, .roles),
            addAddress: address(visit, .roles, [("add", "1")]),
            views: views(visit, current: .roles),
            mayCreate: visit.may(.create, .role),
            rows: found.records.map { record in
                let isBuiltIn = record[RoleResource.organization] == nil
                return RoleRow(
                    id: record.id?.description ?? "",
                    name: (record[RoleResource.name] ?? "").shortened(to: 60),
                    description: (record[RoleResource.description] ?? "").shortened(to: 100),
                    isBuiltIn: isBuiltIn,
                    mayUpdate: !isBuiltIn && visit.may(.update, .role),
                    mayDelete: !isBuiltIn && visit.may(.delete, .role)
                )
            },
            paging: Paging(found) { FormFields.query([("view", View.roles.rawValue), $0]) },
            dialog: dialog
        )
        var content = PageContent("roles", values, notice: notice, alert: alert)
        if let form = dialog.form { content.title = form.title }
        if dialog.deletion != nil { content.title = "Delete role" }
        if dialog.matrix != nil { content.title = "Permissions of a role" }
        return .page(content)
    }

    /// What a role lets do, with what it takes over from others.
    private func matrix(of id: ObjectID, _ visit: Visit) async throws -> Matrix? {
        var wanted = [id]
        var read: Set<ObjectID> = []
        var permissions = PermissionMatrix()
        var name: String?
        while !wanted.isEmpty, read.count < limits.offeredGroups {
            read.formUnion(wanted)
            let records = try await readRoles(wanted, visit)
            wanted = []
            for record in records {
                if record.id == id { name = record[RoleResource.name] }
                wanted += record[name: RoleResource.memberRoles.spec.name].ids.filter { !read.contains($0) }
                for text in record.rolePermissions {
                    let parts = text.split(separator: ":").map(String.init)
                    guard let permission = Permission(rawValue: parts[0]) else { continue }
                    permissions.insert(permission, for: parts.count == 2 ? ObjectType(rawValue: parts[1]) : nil)
                }
            }
        }
        return name.map { Matrix(name: $0, permissions) }
    }
}

extension Record {
    /// A role's own permissions: `read:project`, and `read:` for all kinds of objects.
    fileprivate var rolePermissions: [String] {
        guard case .list(let items) = self[name: RoleResource.memberPermissions.spec.name] else { return [] }
        return items.compactMap { item in
            guard case .object(let object) = item, let permission = object[RoleResource.permission.spec.name]?.string
            else { return nil }
            return "\(permission):\(object[RoleResource.restriction.spec.name]?.string ?? "")"
        }
    }
}

extension GroupsPage {
    private struct RoleDialog: Sendable {
        var form: RoleForm?
        var deletion: RoleDeletion?
        var matrix: Matrix?

        var isOpen: Bool { form != nil || deletion != nil || matrix != nil }
    }

    private struct RoleValues: Sendable {
        let address: String
        let addAddress: String
        let views: [PageFrame.Link]
        let mayCreate: Bool
        let rows: [RoleRow]
        let paging: Paging
        let dialog: RoleDialog
    }

    private struct RoleRow: Sendable {
        let id: String
        let name: String
        let description: String
        let isBuiltIn: Bool
        let mayUpdate: Bool
        let mayDelete: Bool
    }

    private struct RoleDeletion: Sendable {
        let id: String
        let name: String
    }

    private struct Heading: Sendable {
        let permission: String
        let column: String

        static let all = Permission.allCases.map { Heading(permission: $0.title, column: "c-\($0.rawValue)") }
    }

    /// What a form for a role holds: a box for each permission and kind of object.
    private struct RoleForm: Sendable {
        struct Box: Sendable {
            let value: String
            let column: String
            let line: String
            let isChosen: Bool

            /// Whether it was chosen when the form was opened.
            let wasChosen: Bool
        }

        struct Line: Sendable {
            let line: String
            let type: String
            let boxes: [Box]
        }

        let title: String
        let query: String
        let name: ShownText
        let description: ShownText
        let alert: String?
        let headings = Heading.all
        let lines: [Line]

        /// The form of a role as it is stored, or of one that was sent.
        init(id: ObjectID?, _ record: Record?, sent form: FormFields?, alert: String? = nil) {
            title = id == nil ? "Add role" : "Edit role"
            query = id.map { "edit=\($0)" } ?? "add=1"
            name = ShownText(record?[RoleResource.name] ?? "", "name", sent: form)
            description = ShownText(
                record?[RoleResource.description] ?? "",
                "description",
                sent: form,
                characters: 4_096
            )
            self.alert = alert
            let stored = record?.rolePermissions ?? []
            let chosen = Set(form?.all("permission") ?? stored)
            let shown = Set(form?.all(FormFields.was("permission")) ?? stored)
            lines = ([nil] + ObjectType.allCases.map(Optional.some))
                .map { type in
                    let kind = type?.rawValue ?? ""
                    return Line(
                        line: "l-\(kind)",
                        type: type?.title ?? "everything",
                        boxes: Permission.allCases.map { permission in
                            let value = "\(permission.rawValue):\(kind)"
                            return Box(
                                value: value,
                                column: "c-\(permission.rawValue)",
                                line: "l-\(kind)",
                                isChosen: chosen.contains(value),
                                wasChosen: shown.contains(value)
                            )
                        }
                    )
                }
        }
    }

    /// A table of permissions by kinds of objects.
    private struct Matrix: Sendable {
        struct Cell: Sendable {
            let isHeld: Bool
        }

        struct Line: Sendable {
            let type: String
            let cells: [Cell]
        }

        let name: String
        let headings = Heading.all
        let lines: [Line]

        init(name: String, _ permissions: PermissionMatrix) {
            self.name = name
            lines = ObjectType.allCases.map { type in
                Line(
                    type: type.title,
                    cells: Permission.allCases.map { Cell(isHeld: permissions.contains($0, for: type)) }
                )
            }
        }
    }
}

extension Permission {
    /// What people call it.
    var title: String {
        switch self {
        case .create, .read, .update, .delete: rawValue
        case .createACLs: "create access"
        case .readACLs: "read access"
        case .updateACLs: "update access"
        case .deleteACLs: "delete access"
        }
    }
}

extension ObjectType {
    /// What people call it.
    var title: String {
        switch self {
        case .organization: "organization"
        case .orgMember: "all members"
        case .orgProject: "all projects"
        case .orgAuditLogs: "audit log"
        case .promptSession: "prompt session"
        case .projectLog: "project log"
        case .projectGroup: "project group"
        case .project, .experiment, .dataset, .prompt, .group, .role: rawValue
        }
    }

    /// The same at the beginning of a column.
    var heading: String { title.prefix(1).uppercased() + title.dropFirst() }
}
