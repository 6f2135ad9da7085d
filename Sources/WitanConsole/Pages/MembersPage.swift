import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

/// The people and the service accounts of the organization, and their groups.
struct MembersPage: SettingsPage {
    static let resource = UserResource.resource

    let users: ResourceService
    let groups: ResourceService
    let members: MemberService
    let limits: Limits

    let place = SettingsPlace(slug: "members", title: "Members")

    func isOffered(to visit: Visit) -> Bool { visit.may(.read, .orgMember) }

    func show(_ visit: Visit) async throws -> PageOutcome {
        let query = visit.request.query
        var dialog = Dialog()
        if query.has("add"), visit.may(.create, .orgMember) {
            dialog.invitation = Invitation(groups: try await choices(visit))
        } else if let id = query["edit"].flatMap({ ObjectID($0) }), visit.may(.update, .group) {
            dialog.change = try await groupChange(of: id, visit)
        } else if let id = query["remove"].flatMap({ ObjectID($0) }), visit.may(.delete, .orgMember) {
            dialog.removal = try await removal(of: id, visit)
        }
        return try await page(visit, dialog, notice: notice(visit))
    }

    func change(_ visit: Visit) async throws -> PageOutcome {
        let query = visit.request.query
        if let id = query["remove"].flatMap({ ObjectID($0) }) { return try await remove(id, visit) }
        if let id = query["edit"].flatMap({ ObjectID($0) }) { return try await changeGroups(of: id, visit) }
        return try await invite(visit)
    }

    private func done(_ word: String, _ visit: Visit) -> PageOutcome {
        visit.seeOther(visit.address(of: place), place, telling: word)
    }

    private func notice(_ visit: Visit) -> String? {
        switch visit.told(of: place) {
        case "invited":
            members.sendsMail
                ? "Invited. Those who were members already stay as they were."
                : """
                Invited. Those who were members already stay as they were. Nothing was sent: tell them yourself, and \
                ask whoever runs this server for a link that signs each of them in.
                """
        case "removed": "Removed. Their keys are refused and their sessions have ended."
        case "groups": "The groups were changed."
        default: nil
        }
    }

    // MARK: Inviting

    private func invite(_ visit: Visit) async throws -> PageOutcome {
        let form = visit.request.form
        let text = form["emails"] ?? ""
        let emails = text.split { $0.isNewline || $0 == "," || $0 == ";" }
            .map { $0.trimmed }.filter { !$0.isEmpty }
        let chosen = form.all("group")
        do {
            guard !emails.isEmpty else {
                throw Failure(.invalidRequest, "Write at least one e-mail address.")
            }
            let request = try MembershipRequest(body: [
                "invite_users": [
                    "emails": .array(emails.map(JSONValue.string)),
                    "group_ids": .array(chosen.map(JSONValue.string)),
                    "send_invite_emails": .bool(form.has("mail")),
                ]
            ])
            let outcome = try await members.update(request, in: visit.selector, for: visit.caller)
            guard let mailError = outcome.mailError else {
                return done("invited", visit)
            }
            return try await page(
                visit,
                notice: "They are members now.",
                alert: "They were not told by mail. \(mailError)"
            )
        } catch let failure as Failure where failure.isForReader {
            let invitation = Invitation(
                groups: try await choices(visit, chosen: Set(chosen)),
                emails: text.shortened(to: 4_096),
                sendsMail: form.has("mail"),
                alert: failure.sentence
            )
            let dialog = visit.may(.create, .orgMember) ? Dialog(invitation: invitation) : Dialog()
            return try await page(visit, dialog, alert: dialog.invitation == nil ? failure.message : nil)
                .failing(with: failure)
        }
    }

    private func choices(_ visit: Visit, chosen: Set<String> = []) async throws -> [GroupChoice] {
        try await members.groups(of: visit.organizationID, limit: limits.offeredGroups, for: visit.caller)
            .map { group in
                let id = group.id.description
                return GroupChoice(id: id, name: group.name.shortened(to: 30), isChosen: chosen.contains(id))
            }
    }

    // MARK: Removing

    private func remove(_ id: ObjectID, _ visit: Visit) async throws -> PageOutcome {
        do {
            var request = MembershipRequest()
            request.removeIDs = [id]
            _ = try await members.update(request, in: visit.selector, for: visit.caller)
            return done("removed", visit)
        } catch let failure as Failure where failure.isForReader {
            return try await page(visit, alert: failure.message).failing(with: failure)
        }
    }

    private func removal(of id: ObjectID, _ visit: Visit) async throws -> Removal? {
        let members = try await members.members([id], of: visit.organizationID, groupLimit: 1, for: visit.caller)
        guard let member = members[id], let record = try await record(of: id, visit) else { return nil }
        return Removal(
            id: id.description,
            name: record.displayName.clipped(to: 1_024),
            email: (record[UserResource.email] ?? "").clipped(to: 320),
            isServiceAccount: member.isServiceAccount,
            isYou: id == visit.caller.identity.userID
        )
    }

    private func record(of id: ObjectID, _ visit: Visit) async throws -> Record? {
        try await table.records([id], visit).first
    }

    // MARK: Groups

    private func changeGroups(of id: ObjectID, _ visit: Visit) async throws -> PageOutcome {
        let form = visit.request.form
        // Into the new ones first, so that an owner who moves on is never between two groups; no form has more boxes.
        let changes = [
            ("add_member_users", form.added(to: "group")), ("remove_member_users", form.removed(from: "group")),
        ]
        .flatMap { member, groups -> [(id: ObjectID, body: JSONValue)] in
            groups.compactMap { ObjectID($0) }.sorted().prefix(limits.offeredGroups)
                .map { ($0, .object([member: [.string(id.description)]])) }
        }
        do {
            guard try await isMember(id, visit) else {
                throw Failure(.invalidRequest, "This member is not in the organization any more.")
            }
            _ = try await groups.patch(changes, for: visit.caller)
            return done("groups", visit)
        } catch let failure as Failure where failure.isForReader {
            return try await page(visit, alert: failure.message).failing(with: failure)
        }
    }

    private func isMember(_ id: ObjectID, _ visit: Visit) async throws -> Bool {
        try await members.members([id], of: visit.organizationID, groupLimit: 0, for: visit.caller)[id] != nil
    }

    private func groupChange(of id: ObjectID, _ visit: Visit) async throws -> GroupChange? {
        let found = try await members.members(
            [id],
            of: visit.organizationID,
            groupLimit: limits.listedGroups,
            for: visit.caller
        )
        guard let member = found[id], let record = try await record(of: id, visit) else { return nil }
        let present = Set(member.groups.map(\.id))
        let offered = try await members.groups(of: visit.organizationID, limit: limits.offeredGroups, for: visit.caller)
        return GroupChange(
            id: id.description,
            name: record.displayName.clipped(to: 1_024),
            groups: offered.map { group in
                let isMember = present.contains(group.id)
                return GroupChoice(
                    id: group.id.description,
                    name: group.name.shortened(to: 30),
                    isChosen: isMember,
                    wasChosen: isMember
                )
            }
        )
    }

    // MARK: The list

    private var table: ResourceTable {
        ResourceTable(service: users, columns: Self.columns, searched: Self.searched, limits: limits)
    }

    private func page(
        _ visit: Visit,
        _ dialog: Dialog = Dialog(),
        notice: String? = nil,
        alert: String? = nil
    ) async throws -> PageOutcome {
        let part = try await table.part(visit, isBehindDialog: dialog.isOpen)
        let present = try await members.members(
            part.records.compactMap(\.id),
            of: visit.organizationID,
            groupLimit: limits.pageRows * limits.listedGroups,
            for: visit.caller
        )
        let you = visit.caller.identity.userID
        let values = Values(
            address: visit.address(of: place),
            addAddress: visit.address(of: place, [("add", "1")]),
            organization: visit.organization.organizationName,
            mayInvite: visit.may(.create, .orgMember),
            canMail: members.sendsMail,
            table: part,
            rows: part.records.compactMap { record in
                guard let id = record.id, let member = present[id] else { return nil }
                return Row(
                    record,
                    id,
                    member,
                    isYou: id == you,
                    mayChangeGroups: visit.may(.update, .group),
                    mayRemove: visit.may(.delete, .orgMember) && id != you
                )
            },
            invitation: dialog.invitation,
            change: dialog.change,
            removal: dialog.removal
        )
        var content = PageContent("members", values, notice: notice, alert: alert)
        if dialog.invitation != nil { content.title = "Invite people" }
        if dialog.change != nil { content.title = "Change groups" }
        if let removal = dialog.removal { content.title = removal.title }
        return .page(content)
    }

    private static let searched = [UserResource.email, UserResource.givenName, UserResource.familyName]
        .map(\.spec.name)

    private static let columns = [
        ListOrder.Column("name", "Name", field: UserResource.givenName.spec.name),
        ListOrder.Column("email", "E-mail", field: UserResource.email.spec.name),
        ListOrder.Column("groups", "Groups", field: nil),
        ListOrder.Column("since", "Since", field: nil),
    ]
}

extension MembersPage {
    private struct Dialog: Sendable {
        var invitation: Invitation?
        var change: GroupChange?
        var removal: Removal?

        var isOpen: Bool { invitation != nil || change != nil || removal != nil }
    }

    private struct Values: Sendable {
        let address: String
        let addAddress: String
        let organization: String
        let mayInvite: Bool
        let canMail: Bool
        let table: ResourceTable.Part
        let rows: [Row]
        let invitation: Invitation?
        let change: GroupChange?
        let removal: Removal?
    }

    private struct Row: Sendable {
        let id: String
        let name: String
        let email: String
        let isServiceAccount: Bool
        let isYou: Bool
        let groups: String
        let since: Moment
        let mayChangeGroups: Bool
        let mayRemove: Bool

        init(
            _ record: Record,
            _ id: ObjectID,
            _ member: DirectoryStore.Member,
            isYou: Bool,
            mayChangeGroups: Bool,
            mayRemove: Bool
        ) {
            self.id = id.description
            name = record.displayName.shortened(to: 60)
            email = (record[UserResource.email] ?? "").shortened(to: 60)
            isServiceAccount = member.isServiceAccount
            self.isYou = isYou
            groups = member.groups.map { $0.name.shortened(to: 30) }.joined(separator: ", ").shortened(to: 60)
            since = Moment(member.since)
            self.mayChangeGroups = mayChangeGroups
            self.mayRemove = mayRemove
        }
    }

    private struct Invitation: Sendable {
        let groups: [GroupChoice]
        var emails = ""
        var sendsMail = true
        var alert: String?
    }

    private struct GroupChange: Sendable {
        let id: String
        let name: String
        let groups: [GroupChoice]
    }

    private struct Removal: Sendable {
        let id: String
        let name: String
        /// Nil when it is already the name.
        let email: String?
        let isServiceAccount: Bool
        let isYou: Bool
        let title: String

        init(id: String, name: String, email: String, isServiceAccount: Bool, isYou: Bool) {
            self.id = id
            self.name = name
            self.email = email == name ? nil : email
            self.isServiceAccount = isServiceAccount
            self.isYou = isYou
            title = isServiceAccount ? "Remove service account" : "Remove member"
        }
    }
}

extension Record {
    /// What people call a user: their names, or else their address.
    var displayName: String {
        let names = [self[UserResource.givenName], self[UserResource.familyName]].compactMap(\.self)
        return names.isEmpty ? self[UserResource.email] ?? "" : names.joined(separator: " ")
    }
}

extension DirectoryStore.UserName {
    /// What people call a user: their names, or else their address.
    var displayName: String {
        let names = [givenName, familyName].compactMap(\.self)
        return names.isEmpty ? email : names.joined(separator: " ")
    }
}
