import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

/// The organization's name and settings, and how programs reach the API.
struct GeneralPage: SettingsPage {
    static let resource = OrganizationResource.resource

    let organizations: ResourceService
    let publicURL: @Sendable () -> String

    let place = SettingsPlace(slug: "general", title: "General")

    func show(_ visit: Visit) async throws -> PageOutcome {
        try await page(visit, notice: visit.told(of: place) == "saved" ? "Saved." : nil)
    }

    func change(_ visit: Visit) async throws -> PageOutcome {
        let form = visit.request.form
        do {
            var body = JSONObject()
            // What a form does not have, such as one from before there was such a field, stays as it is too.
            for field in OrganizationResource.resource.fields
            where field.isWritable(by: .patch) && form.isChanged(field.name) {
                guard let text = form.text(field.name) else {
                    guard !field.isRequired else {
                        throw Failure(.invalidRequest, "Write a name of at least one character.")
                    }
                    body[field.name] = .null
                    continue
                }
                body[field.name] = field.kind == .flag ? .bool(text == "yes") : .string(text)
            }
            _ = try await organizations.patch(visit.organizationID, .object(body), null: .clear, for: visit.caller)
            // By its id: the name may be another one now.
            let address = "/app/\(visit.organizationID)/configuration/org/\(place.slug)"
            return visit.seeOther(address, place, telling: "saved")
        } catch let failure as Failure where failure.isForReader {
            return try await page(visit, form, alert: failure.message).failing(with: failure)
        }
    }

    /// The page with what is stored or, where a form was refused, with what was sent.
    private func page(
        _ visit: Visit,
        _ form: FormFields? = nil,
        notice: String? = nil,
        alert: String? = nil
    ) async throws -> PageOutcome {
        let mayChange = visit.access.holds(.update, overAll: .organization, in: visit.organizationID)
        let record = mayChange ? try await organizations.get(visit.organizationID, for: visit.caller) : nil
        let url = publicURL()
        let values = Values(
            address: visit.address(of: place),
            id: visit.organizationID.description,
            name: ShownText(visit.organization.organizationName, OrganizationResource.name.spec.name, sent: form),
            mayChange: mayChange,
            addresses: [
                Address(
                    OrganizationResource.apiURL,
                    of: record,
                    sent: form,
                    label: "Address of the data server",
                    hint: "Only when it is not this server.",
                    example: url
                ),
                Address(
                    OrganizationResource.proxyURL,
                    of: record,
                    sent: form,
                    label: "Address of the model proxy",
                    hint: "Only when there is one, and it is not this server.",
                    example: ""
                ),
                Address(
                    OrganizationResource.realtimeURL,
                    of: record,
                    sent: form,
                    label: "Address of the realtime service",
                    hint: "Only when there is one.",
                    example: ""
                ),
            ],
            selections: [
                Selection(
                    OrganizationResource.isUniversalAPI,
                    of: record,
                    sent: form,
                    label: "One address serves every call"
                ),
                Selection(
                    OrganizationResource.isDataplanePrivate,
                    of: record,
                    sent: form,
                    label: "The data server is closed to the public"
                ),
                Selection(
                    OrganizationResource.imageRenderingMode.spec.name,
                    stored: record?[OrganizationResource.imageRenderingMode] ?? "",
                    sent: form,
                    label: "Images in traces",
                    titles: [
                        ("", "As the client decides"), ("auto", "Show"), ("click_to_load", "Show on a click"),
                        ("blocked", "Never show"),
                    ]
                ),
            ],
            url: url,
            snippets: Snippet.all(url: url)
        )
        return .page(PageContent("general", values, notice: notice, alert: alert))
    }

    private struct Values: Sendable {
        let address: String
        let id: String
        let name: ShownText
        let mayChange: Bool
        let addresses: [Address]
        let selections: [Selection]
        let url: String
        let snippets: [Snippet]
    }

    /// A field for an address of a service.
    private struct Address: Sendable {
        let field: String
        let label: String
        let hint: String
        let example: String
        let text: ShownText

        init(
            _ field: Field<String>,
            of record: Record?,
            sent form: FormFields?,
            label: String,
            hint: String,
            example: String
        ) {
            self.field = field.spec.name
            self.label = label
            self.hint = hint
            self.example = example
            text = ShownText(record?[field] ?? "", field.spec.name, sent: form)
        }
    }

    /// A field with some values to choose from.
    private struct Selection: Sendable {
        let field: String
        let label: String
        let text: ShownText
        let choices: [Choice]

        init(
            _ field: String,
            stored: String,
            sent form: FormFields?,
            label: String,
            titles: [(value: String, title: String)]
        ) {
            self.field = field
            self.label = label
            let text = ShownText(stored, field, sent: form)
            self.text = text
            choices = titles.map { Choice(value: $0.value, title: $0.title, isChosen: $0.value == text.value) }
        }

        init(_ field: Field<Bool>, of record: Record?, sent form: FormFields?, label: String) {
            let stored =
                switch record?[name: field.spec.name] {
                case .flag(let isSet): isSet ? "yes" : "no"
                default: ""
                }
            self.init(
                field.spec.name,
                stored: stored,
                sent: form,
                label: label,
                titles: [("", "Not said"), ("yes", "Yes"), ("no", "No")]
            )
        }
    }
}

/// One of the values that a form offers.
struct Choice: Sendable {
    let value: String
    let title: String
    let isChosen: Bool
}

/// Lines that a program needs to reach the API.
private struct Snippet: Sendable {
    let id: String
    let title: String
    let text: String

    static func all(url: String) -> [Snippet] {
        [
            Snippet(
                id: "curl",
                title: "curl",
                text: #"curl -H "Authorization: Bearer $BRAINTRUST_API_KEY" \#(url)/v1/project"#
            ),
            Snippet(
                id: "python",
                title: "Python",
                text: """
                    import braintrust

                    braintrust.login(app_url="\(url)")
                    print(braintrust.org_id())
                    """
            ),
            Snippet(
                id: "javascript",
                title: "JavaScript",
                text: """
                    import { login } from "braintrust";

                    await login({ appUrl: "\(url)" });
                    """
            ),
            Snippet(
                id: "opentelemetry",
                title: "OpenTelemetry",
                text: """
                    # For when this server takes traces, which it does not do yet.
                    export OTEL_EXPORTER_OTLP_ENDPOINT=\(url)/otel
                    export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20$BRAINTRUST_API_KEY,x-bt-parent=project_name:NAME"
                    """
            ),
        ]
    }
}
