import WitanCore
import WitanResources
import WitanServices
import WitanStorage

/// A page's table of one resource's objects, which the page's address searches, sorts and pages through.
struct ResourceTable: Sendable {
    /// A page of the table, as templates show it.
    struct Part: Sendable {
        /// The objects of its rows.
        let records: [Record]

        /// What was looked for; empty for nothing.
        let search: String

        /// Whether there is no object at all.
        let isEmpty: Bool

        let hasRows: Bool
        let columns: [ListOrder.Heading]
        let sort: String
        let paging: Paging
    }

    let service: ResourceService
    let columns: [ListOrder.Column]

    /// The fields in which a search looks.
    let searched: [String]

    let limits: Limits

    /// The page that a visit's address asks for; a short one when a dialog stands before it.
    func part(
        _ visit: Visit,
        _ variant: ListRequest.Variant = .own,
        isBehindDialog: Bool
    ) async throws -> Part {
        let query = visit.request.query
        let order = ListOrder(query, columns: columns)
        var request = ListRequest()
        request.organizationID = visit.organizationID
        request.order = order.order
        request.cursor = ListOrder.cursor(query)
        let search = query.sought("q")
        if let search { request.search = ListRequest.Search(search, in: searched) }
        let found = try await service.list(request, variant, for: visit.caller)
            .page(limit: isBehindDialog ? limits.rowsBehindDialog : limits.pageRows)
        return Part(
            records: found.records,
            search: search ?? "",
            isEmpty: found.records.isEmpty && search == nil,
            hasRows: !found.records.isEmpty,
            columns: order.columns { FormFields.query([("q", search), ("sort", $0)]) },
            sort: order.text,
            paging: Paging(found) { FormFields.query([("q", search), ("sort", order.text), $0]) }
        )
    }

    /// Those of some objects that the person may see and that are still there; as many as a page has rows.
    func records(
        _ ids: [ObjectID],
        _ visit: Visit,
        _ variant: ListRequest.Variant = .own
    ) async throws -> [Record] {
        guard !ids.isEmpty else { return [] }
        var request = ListRequest()
        request.organizationID = visit.organizationID
        request.ids = Array(ids.prefix(limits.pageRows))
        return try await service.list(request, variant, for: visit.caller).page(limit: limits.pageRows).records
    }
}
