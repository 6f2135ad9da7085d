import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

// Who may do what over the organization as a whole.
extension GroupsPage {
    /// The objects that stand for all of a kind, in the order of the columns.
    private static let objects: [ObjectType] = [.organization, .orgMember, .orgProject, .orgAuditLogs]

    func showAccess(_ visit: Visit) async throws -> PageOutcome {
        let query = visit.request.query
        let notice: String? =
            switch told(visit, .access) {
            case "granted": "Given. It counts from now on."
            case "revoked": "Taken back. It counts no more."
            default: nil
            }
        let form = query.has("add") && visit.may(.createACLs, .organization) ? try await grantForm(visit) : nil
        var revocation: Revocation?
        if let id = query["revoke"].flatMap({ ObjectID($0) }), visit.may(.deleteACLs, .organization) {
            revocation = try await self.revocation(of: id, visit)
        }
        return try await accessPage(visit, form: form, revocation: revocation, notice: notice)
    }

    /// The grant that is to be taken back; nil for one that is gone, or is none on the organization as a whole.
    private func revocation(of grant: ObjectID, _ visit: Visit) async throws -> Revocation? {
        var request = ListRequest()
        request.organizationID = visit.organizationID
        request.ids = [grant]
        let found = try await grants.list(request, .ofOrganization, for: visit.caller).page(limit: 1).records
        guard let record = found.first, let type = record[ACLResource.objectType], Self.objects.contains(type),
            let id = record[ACLResource.group] ?? record[ACLResource.user],
            let principal = try await members.principal(
                id,
                of: visit.organizationID,
                grantLimit: 0,
                for: visit.caller
            )
        else { return nil }
        let names = try await names(of: found, and: [principal], visit)
        return Revocation(
            id: grant.description,
            name: names[id] ?? id.description,
            what: Self.what(record, names),
            object: type.title
        )
    }

    func changeAccess(_ visit: Visit) async throws -> PageOutcome {
        let form = visit.request.form
        do {
            if let id = visit.request.query["revoke"].flatMap({ ObjectID($0) }) {
                _ = try await grants.delete(id, for: visit.caller)
                return done("revoked", visit, .access)
            }
            let created = try await grants.create(.object(try await grant(form, visit)), for: visit.caller)
            guard !created.wasFound else {
                throw Failure(.conflict, "They have been given just this already.")
            }
            return done("granted", visit, .access)
        } catch let failure as Failure where failure.isForReader {
            let alert = failure.sentence
            guard visit.may(.readACLs, .organization) else { throw failure }
            guard !visit.request.query.has("revoke"), visit.may(.createACLs, .organization) else {
                return try await accessPage(visit, alert: alert).failing(with: failure)
            }
            return try await accessPage(visit, form: try await grantForm(visit, alert: alert)).failing(with: failure)
        }
    }

    /// What a form gives.
    private func grant(_ form: FormFields, _ visit: Visit) async throws -> JSONObject {
        var body: JSONObject = [
            "object_type": .string(form["object"] ?? ""), "object_id": .string(visit.organizationID.description),
        ]
        // The organization's own objects alone: this is no page for others.
        guard Self.objects.contains(where: { $0.rawValue == form["object"] }) else {
            throw Failure(.invalidRequest, "Choose what it is given on.")
        }
        if let group = form.text("group") {
            body["group_id"] = .string(group)
        } else if let email = form.sought("email") {
            body["user_id"] = .string(try await userID(email, visit).description)
        } else {
            throw Failure(.invalidRequest, "Choose a group, or write the address of a member.")
        }
        let what = (form["what"] ?? "").split(separator: ":", maxSplits: 1).map(String.init)
        switch (what.first, what.last) {
        case ("role", let role?): body["role_id"] = .string(role)
        case ("permission", let permission?):
            body["permission"] = .string(permission)
            if let kind = form.text("kind") { body["restrict_object_type"] = .string(kind) }
        default: throw Failure(.invalidRequest, "Choose a role or a permission.")
        }
        return body
    }

    private func grantForm(_ visit: Visit, alert: String? = nil) async throws -> GrantForm {
        let sent = visit.request.form
        let all = try await members.groups(of: visit.organizationID, limit: limits.offeredGroups, for: visit.caller)
        let roles = try await roleNames(visit)
        let what = sent["what"] ?? ""
        return GrantForm(
            groups: all.map {
                let id = $0.id.description
                return GroupChoice(id: id, name: $0.name.shortened(to: 30), isChosen: id == sent["group"])
            },
            email: (sent["email"] ?? "").shortened(to: 320),
            objects: Self.objects.map {
                Choice(value: $0.rawValue, title: $0.title, isChosen: $0.rawValue == sent["object"])
            },
            roles: roles.map {
                Choice(value: "role:\($0.id)", title: $0.name.shortened(to: 30), isChosen: what == "role:\($0.id)")
            },
            permissions: Permission.allCases.map {
                let value = "permission:\($0.rawValue)"
                return Choice(value: value, title: $0.title, isChosen: what == value)
            },
            kinds: ObjectType.allCases.map {
                Choice(value: $0.rawValue, title: $0.title, isChosen: $0.rawValue == sent["kind"])
            },
            alert: alert
        )
    }

    private func roleNames(_ visit: Visit) async throws -> [(id: ObjectID, name: String)] {
        var request = ListRequest()
        request.organizationID = visit.organizationID
        request.order = ListRequest.Order(field: RoleResource.name.spec.name, isDescending: false)
        return try await roles.list(request, for: visit.caller).page(limit: limits.offeredGroups).records
            .compactMap { record in record.id.map { ($0, record[RoleResource.name] ?? "") } }
    }

    // MARK: The matrix

    private func accessPage(
        _ visit: Visit,
        form: GrantForm? = nil,
        revocation: Revocation? = nil,
        notice: String? = nil,
        alert: String? = nil
    ) async throws -> PageOutcome {
        let isBehindDialog = form != nil || revocation != nil
        let found = try await principals(visit, limit: isBehindDialog ? limits.rowsBehindDialog : limits.pageRows / 2)
        var request = ListRequest()
        request.organizationID = visit.organizationID
        request.ids = found.principals.flatMap(\.grants)
        let records = try await grants.list(request, .ofOrganization, for: visit.caller)
            .page(limit: request.ids?.count ?? 0).records
        let names = try await names(of: records, and: found.principals, visit)
        let given = Dictionary(grouping: records) { $0[ACLResource.group] ?? $0[ACLResource.user] }
        let mayRevoke = visit.may(.deleteACLs, .organization)
        let lines = found.principals.map { principal in
            Line(
                principal,
                name: names[principal.id] ?? principal.id.description,
                cells: Self.objects.map { type in
                    let grants = (given[principal.id] ?? []).filter { $0[ACLResource.objectType] == type }
                        .map { record in
                            Line.Grant(
                                id: record.id?.description ?? "",
                                what: Self.what(record, names),
                                mayRevoke: mayRevoke
                            )
                        }
                    return Line.Cell(object: type.heading, isEmpty: grants.isEmpty, grants: grants)
                }
            )
        }
        let values = AccessValues(
            address: address(visit, .access),
            addAddress: address(visit, .access, [("add", "1")]),
            organization: visit.organization.organizationName,
            views: views(visit, current: .access),
            mayGrant: visit.may(.createACLs, .organization),
            headings: Self.objects.map(\.heading),
            lines: lines,
            paging: Paging(found) { FormFields.query([("view", View.access.rawValue), $0]) },
            isOne: one(visit) != nil,
            form: form,
            revocation: revocation
        )
        var content = PageContent("access", values, notice: notice, alert: alert)
        if form != nil { content.title = "Give access" }
        if revocation != nil { content.title = "Take back access" }
        return .page(content)
    }

    /// The one group or person that the address asks for.
    private func one(_ visit: Visit) -> ObjectID? { visit.request.query["who"].flatMap { ObjectID($0) } }

    private func principals(_ visit: Visit, limit: Int) async throws -> DirectoryStore.PrincipalPage {
        guard let one = one(visit) else {
            return try await members.principals(
                of: visit.organizationID,
                from: ListOrder.cursor(visit.request.query),
                limit: limit,
                grantLimit: limits.grantsOfRow,
                for: visit.caller
            )
        }
        let principal = try await members.principal(
            one,
            of: visit.organizationID,
            grantLimit: limit * limits.grantsOfRow,
            for: visit.caller
        )
        return DirectoryStore.PrincipalPage(
            principals: principal.map { [$0] } ?? [],
            hasPrevious: false,
            hasNext: false
        )
    }

    private static func what(_ grant: Record, _ names: [ObjectID: String]) -> String {
        if let role = grant[ACLResource.role] { return names[role] ?? role.description }
        let permission = grant[ACLResource.permission]?.title ?? ""
        return grant[ACLResource.restriction].map { "\(permission) (\($0.title))" } ?? permission
    }

    /// The names of those who were given something, and of the roles.
    private func names(
        of grants: [Record],
        and principals: [DirectoryStore.Principal],
        _ visit: Visit
    ) async throws -> [ObjectID: String] {
        var names: [ObjectID: String] = [:]
        let given = Array(Set(grants.compactMap { $0[ACLResource.role] }))
        var request = ListRequest()
        request.organizationID = visit.organizationID
        request.ids = given
        for record in try await roles.list(request, for: visit.caller).page(limit: given.count).records {
            if let id = record.id { names[id] = (record[RoleResource.name] ?? "").shortened(to: 30) }
        }
        for principal in principals { names[principal.id] = principal.groupName?.shortened(to: 60) }
        let people = principals.filter { $0.groupName == nil }.map(\.id)
        guard !people.isEmpty else { return names }
        request.ids = people
        for record in try await users.list(request, for: visit.caller).page(limit: people.count).records {
            if let id = record.id { names[id] = record.displayName.shortened(to: 60) }
        }
        return names
    }
}

extension GroupsPage {
    struct GrantForm: Sendable {
        let groups: [GroupChoice]
        let email: String
        let objects: [Choice]
        let roles: [Choice]
        let permissions: [Choice]
        let kinds: [Choice]
        let alert: String?
    }

    private struct AccessValues: Sendable {
        let address: String
        let addAddress: String
        let organization: String
        let views: [PageFrame.Link]
        let mayGrant: Bool
        let headings: [String]
        let lines: [Line]
        let paging: Paging
        /// Whether the table is of one group or person alone.
        let isOne: Bool
        let form: GrantForm?
        let revocation: Revocation?
    }

    private struct Revocation: Sendable {
        let id: String
        let name: String
        let what: String
        let object: String
    }

    /// What one group or one person may do.
    private struct Line: Sendable {
        struct Grant: Sendable {
            let id: String
            let what: String
            let mayRevoke: Bool
        }

        struct Cell: Sendable {
            let object: String
            let isEmpty: Bool
            let grants: [Grant]
        }

        let id: String
        let name: String
        let isGroup: Bool
        let cells: [Cell]
        let hasMore: Bool
        /// On how many single objects they were given something, in words; nil for none.
        let singles: String?

        init(_ principal: DirectoryStore.Principal, name: String, cells: [Cell]) {
            id = principal.id.description
            self.name = name
            isGroup = principal.groupName != nil
            self.cells = cells
            hasMore = principal.hasMoreGrants
            let (count, mayBeMore) = (principal.singleObjects, principal.mayHaveMoreObjects)
            switch (count, mayBeMore) {
            case (0, _): singles = nil
            case (_, true): singles = "\(count) single objects or more"
            case (1, false): singles = "1 single object"
            case (_, false): singles = "\(count) single objects"
            }
        }
    }
}
