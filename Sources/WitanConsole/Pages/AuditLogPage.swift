import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

/// What people and programs did in the organization, and what they were refused.
struct AuditLogPage: SettingsPage {
    static let resource = AuditLogResource.resource

    let events: ResourceService
    let time: TimeSource
    let limits: Limits

    let place = SettingsPlace(slug: "audit-log", title: "Audit log")

    func isOffered(to visit: Visit) -> Bool { visit.may(.read, .orgAuditLogs) }

    func show(_ visit: Visit) async throws -> PageOutcome {
        let filter = Filter(visit.request.query)
        var request = filter.request(at: time.now())
        request.organizationID = visit.organizationID
        if let format = AuditLogExport.Format(rawValue: visit.request.query["export"] ?? "") {
            let list = try await events.list(request, .ofOrganization, for: visit.caller)
            return .response(AuditLogExport.response(of: list, format, at: time.now()))
        }
        request.cursor = ListOrder.cursor(visit.request.query)
        // Each row carries its details too.
        let found = try await events.list(request, .ofOrganization, for: visit.caller).page(limit: limits.pageRows / 2)
        let values = Values(
            address: visit.address(of: place),
            organization: visit.organization.organizationName,
            jsonlAddress: FormFields.query(filter.fields + [("export", "jsonl")]),
            csvAddress: FormFields.query(filter.fields + [("export", "csv")]),
            actor: filter.actor ?? "",
            event: filter.event ?? "",
            ranges: Filter.Range.allCases.map {
                Choice(value: $0.rawValue, title: $0.title, isChosen: $0 == filter.range)
            },
            types: ([("", "Every kind")] + Self.objectTypes.map { ($0, $0) })
                .map { Choice(value: $0.0, title: $0.1, isChosen: $0.0 == filter.objectType ?? "") },
            outcomes: [("", "Done or refused"), ("success", "Done"), ("denied", "Refused")]
                .map { Choice(value: $0.0, title: $0.1, isChosen: $0.0 == filter.outcome ?? "") },
            events: Self.eventTypes.map { Choice(value: $0, title: $0, isChosen: false) },
            hasRows: !found.records.isEmpty,
            rows: found.records.map(Row.init),
            paging: Paging(found) { FormFields.query(filter.fields + [$0]) }
        )
        return .page(PageContent("audit-log", values))
    }

    func change(_ visit: Visit) async throws -> PageOutcome {
        throw Failure(.invalidRequest, "Nobody changes the audit log; nothing was done.")
    }

    /// The nouns of events.
    private static let objectTypes =
        (Catalog.all.filter { !$0.operations.isEmpty }.map(\.name) + [
            ObjectType.orgMember.rawValue, "password", "session",
        ])
        .sorted()

    /// The events that changes make.
    private static let eventTypes = objectTypes.flatMap { noun in
        ["created", "updated", "deleted"].map { "\(noun).\($0)" }
    }
}

extension AuditLogPage {
    /// What the address asks for.
    struct Filter: Sendable {
        /// From when on.
        enum Range: String, Sendable, CaseIterable {
            case day = "24h"
            case week = "7d"
            case month = "30d"
            case all

            var title: String {
                switch self {
                case .day: "Last 24 hours"
                case .week: "Last 7 days"
                case .month: "Last 30 days"
                case .all: "All"
                }
            }

            var seconds: Int64? {
                switch self {
                case .day: 86_400
                case .week: 7 * 86_400
                case .month: 30 * 86_400
                case .all: nil
                }
            }
        }

        let range: Range
        let actor: String?
        let event: String?
        let objectType: String?
        let outcome: String?

        init(_ query: FormFields) {
            range = Range(rawValue: query["range"] ?? "") ?? .week
            actor = query.sought("actor")
            event = query.sought("event")
            objectType = query.sought("object_type")
            outcome = query.sought("outcome")
        }

        /// The fields that the addresses of other pages and of exports carry on.
        var fields: [(name: String, value: String?)] {
            [
                ("range", range == .week ? nil : range.rawValue), ("actor", actor), ("event", event),
                ("object_type", objectType), ("outcome", outcome),
            ]
        }

        /// What the list is asked for.
        func request(at now: Timestamp) -> ListRequest {
            var request = ListRequest()
            request.createdAfter = range.seconds.map { now.advanced(by: .seconds(-$0)) }
            func require(_ field: FieldSpec, _ value: String?) {
                guard let value else { return }
                request.conditions.append(ListRequest.Condition(field: field.name, values: [value]))
            }
            if let actor {
                if let id = ObjectID(actor) {
                    require(AuditLogResource.actor.spec, id.description)
                } else {
                    require(AuditLogResource.actorEmail.spec, AccountStore.normalized(actor))
                }
            }
            require(AuditLogResource.eventType.spec, event)
            require(AuditLogResource.objectType.spec, objectType)
            require(AuditLogResource.outcome.spec, outcome)
            return request
        }
    }

    private struct Values: Sendable {
        let address: String
        let organization: String
        let jsonlAddress: String
        let csvAddress: String
        let actor: String
        let event: String
        let ranges: [Choice]
        let types: [Choice]
        let outcomes: [Choice]
        let events: [Choice]
        let hasRows: Bool
        let rows: [Row]
        let paging: Paging
    }

    private struct Row: Sendable {
        struct Fact: Sendable {
            let name: String
            let value: String
        }

        let id: String
        let created: Moment?
        /// The event up to its dot, where a line may end, and what is after it.
        let noun: String
        let deed: String
        let actor: String
        let object: String
        let isRefused: Bool
        let occurrences: Int64?
        let address: String
        let facts: [Fact]

        init(_ record: Record) {
            id = record.id?.description ?? ""
            created = record[AuditLogResource.created].map(Moment.init)
            let event = (record[AuditLogResource.eventType] ?? "").shortened(to: 60)
            let end = event.firstIndex(of: ".").map(event.index(after:)) ?? event.endIndex
            (noun, deed) = (String(event[..<end]), String(event[end...]))
            let method = record[AuditLogResource.authentication] ?? ""
            actor =
                record[AuditLogResource.actorEmail]?.shortened(to: 60)
                ?? (method == Identity.Authentication.commandLine.rawValue ? "witan command" : "nobody known")
            let name = record[AuditLogResource.objectName]?.shortened(to: 80)
            object = name ?? record[AuditLogResource.objectID]?.description ?? ""
            isRefused = record[AuditLogResource.outcome] == "denied"
            if case .count(let count) = record[name: AuditLogResource.occurrences.spec.name] {
                occurrences = count
            } else {
                occurrences = nil
            }
            address = (record[AuditLogResource.clientAddress] ?? "").shortened(to: 60)
            var details: String?
            if case .object(let object) = record[name: AuditLogResource.details.spec.name] {
                details = JSONWriter.string(of: .object(object)).shortened(to: 200)
            }
            let facts: [(String, String?)] = [
                ("Object", record[AuditLogResource.objectID]?.description),
                ("Signed in by", method),
                ("Credential", record[AuditLogResource.credential]?.description),
                ("As", record[AuditLogResource.impersonatedEmail]?.shortened(to: 60)),
                ("Changed", details),
                ("Program", record[AuditLogResource.userAgent]?.shortened(to: 100)),
                ("Trace", record[AuditLogResource.trace]),
            ]
            self.facts = facts.compactMap { name, value in value.map { Fact(name: name, value: $0) } }
        }
    }
}
