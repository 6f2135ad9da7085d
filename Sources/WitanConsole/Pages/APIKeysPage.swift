import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

/// API keys: one's own, and for those who manage members everybody's.
struct APIKeysPage: SettingsPage {
    static let resource = APIKeyResource.resource

    let keys: ResourceService
    let time: TimeSource
    let limits: Limits
    let publicURL: @Sendable () -> String

    let place = SettingsPlace(slug: "api-keys", title: "API keys")

    func show(_ visit: Visit) async throws -> PageOutcome {
        guard CredentialDeletion.isAsked(visit) else {
            let isAdding = visit.request.query.has("add")
            return try await page(
                visit,
                notice: deletion.notice(visit, of: place),
                form: isAdding ? CreationForm(visit.request.form, at: time.now()) : nil
            )
        }
        let form = try await deletion.form(visit, variant(visit))
        return try await page(visit, alert: form == nil ? deletion.alert : nil, deletion: form)
    }

    func change(_ visit: Visit) async throws -> PageOutcome {
        guard CredentialDeletion.isAsked(visit) else { return try await create(visit) }
        return try await deletion.delete(visit, of: place)
    }

    // MARK: Making one

    private func create(_ visit: Visit) async throws -> PageOutcome {
        let sent = visit.request.form
        var form = CreationForm(sent, at: time.now())
        guard let name = sent.text("name") else {
            let failure = Failure(.invalidRequest, "Write at least one character.")
            form.nameError = failure.message
            return try await page(visit, form: form).failing(with: failure)
        }
        var body: JSONObject = ["name": .string(name)]
        do {
            if let expiry = try form.expiry(at: time.now()) { body["expires_at"] = .string(expiry.rfc3339) }
            let created = try await keys.create(.object(body), in: visit.selector, for: visit.caller)
            guard let secret = created.revealed.first?.value else { throw Failure.bug("A key has no secret") }
            return .page(
                PageContent(
                    "reveal",
                    RevealedSecret(
                        title: "API key created",
                        name: name,
                        secret: secret,
                        url: publicURL(),
                        back: visit.address(of: place)
                    )
                )
            )
        } catch let failure as Failure where failure.isForReader {
            form.alert = failure.sentence
            return try await page(visit, form: form).failing(with: failure)
        }
    }

    // MARK: The list

    private var table: ResourceTable {
        ResourceTable(
            service: keys,
            columns: Self.columns,
            searched: [APIKeyResource.name.spec.name],
            limits: limits
        )
    }

    private var deletion: CredentialDeletion {
        CredentialDeletion(
            table: table,
            name: APIKeyResource.name,
            preview: APIKeyResource.previewName,
            nouns: ("API key", "key")
        )
    }

    private func seesAll(_ visit: Visit) -> Bool { visit.may(.update, .orgMember) }

    private func variant(_ visit: Visit) -> ListRequest.Variant { seesAll(visit) ? .ofOrganization : .own }

    private func page(
        _ visit: Visit,
        notice: String? = nil,
        alert: String? = nil,
        form: CreationForm? = nil,
        deletion: DeletionForm? = nil
    ) async throws -> PageOutcome {
        let part = try await table.part(visit, variant(visit), isBehindDialog: form != nil || deletion != nil)
        let now = time.now()
        let values = Values(
            address: visit.address(of: place),
            addAddress: visit.address(of: place, [("add", "1")]),
            organization: visit.organization.organizationName.clipped(to: 60),
            seesAll: seesAll(visit),
            table: part,
            rows: part.records.map { Row($0, at: now) },
            form: form,
            deletion: deletion
        )
        var content = PageContent("api-keys", values, notice: notice, alert: alert)
        if form != nil { content.title = "Add API key" }
        if let deletion { content.title = deletion.title }
        return .page(content)
    }

    private static let columns = [
        ListOrder.Column("name", "Name", field: APIKeyResource.name.spec.name),
        ListOrder.Column("key", "Key", field: APIKeyResource.previewName.spec.name),
        ListOrder.Column("owner", "Owner", field: APIKeyResource.userEmail.spec.name),
        ListOrder.Column("created", "Created", field: APIKeyResource.created.spec.name, isNewestFirst: true),
        ListOrder.Column("expires", "Expires", field: APIKeyResource.expiresAt.spec.name),
        ListOrder.Column("used", "Last used", field: APIKeyResource.lastUsedAt.spec.name, isNewestFirst: true),
    ]
}

extension APIKeysPage {
    private struct Values: Sendable {
        let address: String
        let addAddress: String
        let organization: String
        let seesAll: Bool
        let table: ResourceTable.Part
        let rows: [Row]
        let form: CreationForm?
        let deletion: DeletionForm?
    }

    private struct Row: Sendable {
        let id: String
        let name: String
        let preview: String
        let ownerName: String?
        let ownerEmail: String
        let created: Moment?
        let expires: Moment?
        let isExpired: Bool
        let lastUsed: Moment?

        init(_ record: Record, at now: Timestamp) {
            id = record.id?.description ?? ""
            name = (record[APIKeyResource.name] ?? "").shortened(to: 100)
            preview = record[APIKeyResource.previewName] ?? ""
            let names = [record[APIKeyResource.userGivenName], record[APIKeyResource.userFamilyName]].compactMap(\.self)
            ownerName = names.isEmpty ? nil : names.joined(separator: " ").shortened(to: 60)
            ownerEmail = (record[APIKeyResource.userEmail] ?? "").shortened(to: 60)
            created = record[APIKeyResource.created].map(Moment.init)
            expires = record[APIKeyResource.expiresAt].map(Moment.init)
            isExpired = record[APIKeyResource.expiresAt].map { $0 <= now } ?? false
            lastUsed = record[APIKeyResource.lastUsedAt].map(Moment.init)
        }
    }
}
