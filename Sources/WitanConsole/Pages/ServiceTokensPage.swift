import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

/// The tokens of the organization's service accounts, for those who manage its members.
struct ServiceTokensPage: SettingsPage {
    static let resource = ServiceTokenResource.resource

    let tokens: ResourceService
    let members: MemberService
    let time: TimeSource
    let limits: Limits
    let publicURL: @Sendable () -> String

    let place = SettingsPlace(slug: "service-tokens", title: "Service tokens")

    func isOffered(to visit: Visit) -> Bool { visit.may(.update, .orgMember) }

    func show(_ visit: Visit) async throws -> PageOutcome {
        guard CredentialDeletion.isAsked(visit) else {
            let isAdding = visit.request.query.has("add") && mayCreate(visit)
            return try await page(
                visit,
                notice: deletion.notice(visit, of: place),
                form: isAdding ? try await form(visit) : nil
            )
        }
        let form = try await deletion.form(visit)
        return try await page(visit, alert: form == nil ? deletion.alert : nil, deletion: form)
    }

    func change(_ visit: Visit) async throws -> PageOutcome {
        guard CredentialDeletion.isAsked(visit) else { return try await create(visit) }
        return try await deletion.delete(visit, of: place)
    }

    /// Whether the service of tokens would make one for the person.
    private func mayCreate(_ visit: Visit) -> Bool {
        tokens.mayTry(.create, for: visit.caller) && visit.access.isOwner(of: visit.organizationID)
            && visit.may(.create, .orgMember)
    }

    // MARK: Making one

    private func form(_ visit: Visit) async throws -> TokenForm {
        let sent = visit.request.form
        let chosen = sent["group"] ?? ""
        let organization = visit.organizationID
        let accounts = try await members.serviceAccounts(
            of: organization,
            limit: limits.offeredGroups,
            for: visit.caller
        )
        let groups = try await members.groups(of: organization, limit: limits.offeredGroups, for: visit.caller)
        return TokenForm(
            account: (sent["account"] ?? "").shortened(to: 1_024),
            accounts: accounts.compactMap(\.givenName).filter { $0.shortened(to: 60) == $0 }
                .map(TokenForm.Account.init),
            groups: groups.map { group in
                let id = group.id.description
                return GroupChoice(id: id, name: group.name.shortened(to: 30), isChosen: id == chosen)
            },
            creation: CreationForm(sent, at: time.now())
        )
    }

    private func create(_ visit: Visit) async throws -> PageOutcome {
        let sent = visit.request.form
        do {
            guard let account = sent.text("account") else {
                throw Failure(.invalidRequest, "Write the name of the service account that the token acts for.")
            }
            guard let name = sent.text("name") else {
                throw Failure(.invalidRequest, "Write a name for the token of at least one character.")
            }
            var request = try MembershipRequest(body: [
                "invite_users": [
                    "service_accounts": [["name": .string(account), "token_name": .string(name)]],
                    "group_ids": .array(sent.text("group").map { [.string($0)] } ?? []),
                ]
            ])
            request.serviceAccounts[0].tokenExpiresAt = try CreationForm(sent, at: time.now())
                .expiry(at: time.now())
            let outcome = try await members.update(request, in: visit.selector, for: visit.caller)
            guard let secret = outcome.added.first?.token else {
                throw Failure(
                    .conflict,
                    "The service account has a token of that name already; choose another, or delete that one first."
                )
            }
            return .page(
                PageContent(
                    "reveal",
                    RevealedSecret(
                        title: "Service token created",
                        name: name,
                        secret: secret,
                        url: publicURL(),
                        back: visit.address(of: place)
                    )
                )
            )
        } catch let failure as Failure where failure.isForReader {
            guard mayCreate(visit) else {
                return try await page(visit, alert: failure.message).failing(with: failure)
            }
            var form = try await form(visit)
            form.alert = failure.sentence
            return try await page(visit, form: form).failing(with: failure)
        }
    }

    // MARK: The list

    private var table: ResourceTable {
        ResourceTable(service: tokens, columns: Self.columns, searched: Self.searched, limits: limits)
    }

    private var deletion: CredentialDeletion {
        CredentialDeletion(
            table: table,
            name: ServiceTokenResource.name,
            preview: ServiceTokenResource.previewName,
            nouns: ("service token", "token")
        )
    }

    private func page(
        _ visit: Visit,
        notice: String? = nil,
        alert: String? = nil,
        form: TokenForm? = nil,
        deletion: DeletionForm? = nil
    ) async throws -> PageOutcome {
        let part = try await table.part(visit, isBehindDialog: form != nil || deletion != nil)
        let now = time.now()
        let values = Values(
            address: visit.address(of: place),
            addAddress: visit.address(of: place, [("add", "1")]),
            organization: visit.organization.organizationName,
            mayCreate: mayCreate(visit),
            table: part,
            rows: part.records.map { Row($0, at: now) },
            form: form,
            deletion: deletion
        )
        var content = PageContent("service-tokens", values, notice: notice, alert: alert)
        if form != nil { content.title = "Add service token" }
        if let deletion { content.title = deletion.title }
        return .page(content)
    }

    private static let searched = [ServiceTokenResource.name, ServiceTokenResource.accountName].map(\.spec.name)

    private static let columns = [
        ListOrder.Column("account", "Service account", field: ServiceTokenResource.accountName.spec.name),
        ListOrder.Column("name", "Name", field: ServiceTokenResource.name.spec.name),
        ListOrder.Column("token", "Token", field: ServiceTokenResource.previewName.spec.name),
        ListOrder.Column("created", "Created", field: ServiceTokenResource.created.spec.name, isNewestFirst: true),
        ListOrder.Column("expires", "Expires", field: ServiceTokenResource.expiresAt.spec.name),
        ListOrder.Column("used", "Last used", field: ServiceTokenResource.lastUsedAt.spec.name, isNewestFirst: true),
    ]
}

extension ServiceTokensPage {
    private struct Values: Sendable {
        let address: String
        let addAddress: String
        let organization: String
        let mayCreate: Bool
        let table: ResourceTable.Part
        let rows: [Row]
        let form: TokenForm?
        let deletion: DeletionForm?
    }

    private struct Row: Sendable {
        let id: String
        let account: String
        let name: String
        let preview: String
        let created: Moment?
        let expires: Moment?
        let isExpired: Bool
        let lastUsed: Moment?

        init(_ record: Record, at now: Timestamp) {
            id = record.id?.description ?? ""
            account = (record[ServiceTokenResource.accountName] ?? "").shortened(to: 60)
            name = (record[ServiceTokenResource.name] ?? "").shortened(to: 60)
            preview = record[ServiceTokenResource.previewName] ?? ""
            created = record[ServiceTokenResource.created].map(Moment.init)
            expires = record[ServiceTokenResource.expiresAt].map(Moment.init)
            isExpired = record[ServiceTokenResource.expiresAt].map { $0 <= now } ?? false
            lastUsed = record[ServiceTokenResource.lastUsedAt].map(Moment.init)
        }
    }

    /// What a form for a new token holds.
    private struct TokenForm: Sendable {
        /// A service account that is there.
        struct Account: Sendable {
            let account: String
        }

        let account: String
        let accounts: [Account]
        let groups: [GroupChoice]
        let creation: CreationForm
        var alert: String?
    }
}
