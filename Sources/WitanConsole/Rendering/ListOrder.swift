import WitanCore
import WitanResources
import WitanStorage

/// The order of a page's list, as its address says it: `sort=name`, `sort=-name` for the other direction.
struct ListOrder: Sendable {
    /// A column of the table.
    struct Column: Sendable {
        let name: String
        let title: String

        /// The field that it orders by; nil for a column that nobody sorts by.
        let field: String?

        /// Whether the first press gives the greatest first.
        let isNewestFirst: Bool

        init(_ name: String, _ title: String, field: String?, isNewestFirst: Bool = false) {
            self.name = name
            self.title = title
            self.field = field
            self.isNewestFirst = isNewestFirst
        }
    }

    /// A column's heading, as the template shows it.
    struct Heading: Sendable {
        let name: String
        let title: String
        /// What sorts by it; not called like anything around it, where a template would look when it is nil.
        let sortAddress: String?
        /// `ascending` or `descending`, in the sorted column.
        let direction: String?
    }

    /// What the address says, to be carried on.
    let text: String

    /// What the store is asked for; nil for newest first.
    let order: ListRequest.Order?

    private let all: [Column]
    private let sorted: (column: Column, isDescending: Bool)?

    init(_ query: FormFields, columns: [Column]) {
        all = columns
        let wanted = query["sort"] ?? ""
        let name = wanted.hasPrefix("-") ? String(wanted.dropFirst()) : wanted
        guard let column = columns.first(where: { $0.name == name && $0.field != nil }), let field = column.field else {
            text = ""
            order = nil
            sorted = columns.first { $0.field == "created" }.map { ($0, true) }
            return
        }
        let isDescending = wanted.hasPrefix("-") != column.isNewestFirst
        text = wanted
        order = ListRequest.Order(field: field, isDescending: isDescending)
        sorted = (column, isDescending)
    }

    /// The headings, each with the address that sorts by it.
    func columns(address: (_ sort: String) -> String) -> [Heading] {
        all.map { column in
            let isSorted = sorted?.column.name == column.name
            let isFirstDirection = sorted?.isDescending == column.isNewestFirst
            return Heading(
                name: column.name,
                title: column.title,
                sortAddress: column.field == nil
                    ? nil : address(isSorted && isFirstDirection ? "-\(column.name)" : column.name),
                direction: isSorted ? (sorted?.isDescending == true ? "descending" : "ascending") : nil
            )
        }
    }

    /// Where the page begins, as its address says.
    static func cursor(_ query: FormFields) -> ListRequest.Cursor? {
        if let id = query["after"].flatMap({ ObjectID($0) }) { return .after(id) }
        return query["before"].flatMap { ObjectID($0) }.map(ListRequest.Cursor.before)
    }
}

/// The links to the pages before and after.
struct Paging: Sendable {
    let previous: String?
    let next: String?
    let isThere: Bool

    init(_ page: ResourceStore.Page, address: ((name: String, value: String?)) -> String) {
        previous = page.hasPrevious ? page.records.first?.id.map { address(("before", $0.description)) } : nil
        next = page.hasNext ? page.records.last?.id.map { address(("after", $0.description)) } : nil
        isThere = previous != nil || next != nil
    }

    init(_ page: DirectoryStore.PrincipalPage, address: ((name: String, value: String?)) -> String) {
        previous = page.hasPrevious ? page.principals.first.map { address(("before", $0.id.description)) } : nil
        next = page.hasNext ? page.principals.last.map { address(("after", $0.id.description)) } : nil
        isThere = previous != nil || next != nil
    }
}
