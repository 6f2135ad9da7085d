package import WitanCore
package import WitanResources

extension ResourceStore {
    /// A page of a list in an order of its reader's choice.
    package struct Page: Sendable {
        /// The objects, in the order.
        package let records: [Record]

        /// Whether some come before the first of them.
        package let hasPrevious: Bool

        /// Whether some come after the last of them.
        package let hasNext: Bool
    }

    /// The page of a request's order, cursor and limit; the first one when the cursor names nothing in the selection.
    ///
    /// Without an order and a search an index finds the page. With one of them the rows of the selection are read.
    package func page(
        of request: ListRequest,
        in selection: Selection,
        limit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> Page {
        guard var conditions = conditions(of: request, in: selection) else {
            return Page(records: [], hasPrevious: false, hasNext: false)
        }
        if let search = request.search { conditions += " AND \(condition(of: search))" }
        let key = sortKey(request.order)
        let isDescending = request.order?.isDescending ?? true
        var cursor: SQLQuery?
        var isBackwards = false
        switch request.cursor {
        case nil:
            break
        case .after(let id):
            cursor = try position(of: id, key, in: selection, on: connection)
        case .before(let id):
            cursor = try position(of: id, key, in: selection, on: connection)
            isBackwards = cursor != nil
        }
        let goesDown = isDescending != isBackwards
        if let cursor {
            conditions += " AND (\(SQLQuery.joined(key, separator: ", "))) \(raw: goesDown ? "<" : ">") (\(cursor))"
        }
        let order = key.map { "\($0)\(raw: goesDown ? " DESC" : "")" as SQLQuery }
        var records = try records(
            """
            \(select) WHERE \(conditions) ORDER BY \(SQLQuery.joined(order, separator: ", ")) LIMIT \(limit + 1)
            """,
            on: connection
        )
        let hasMore = records.count > limit
        if hasMore { records.removeLast() }
        if isBackwards { records.reverse() }
        return Page(
            records: records,
            hasPrevious: isBackwards ? hasMore : cursor != nil,
            hasNext: isBackwards || hasMore
        )
    }

    /// What rows are ordered by, and by what among equals: no two rows have the same.
    private func sortKey(_ order: ListRequest.Order?) -> [SQLQuery] {
        let standard: [SQLQuery] = ["t.created", "t.id"]
        guard let order, order.field != "created", let field = resource.fields.first(where: { $0.name == order.field })
        else { return standard }
        let value = expression(of: field)
        // What holds nothing comes last in both directions.
        let key: SQLQuery =
            switch (field.kind, order.isDescending) {
            case (.timestamp, true), (.count, true): "COALESCE(\(value), 0)"
            case (.timestamp, false), (.count, false): "COALESCE(\(value), \(SQLValue.integer(.max)))"
            case (_, true): "LOWER(COALESCE(\(value), ''))"
            case (_, false): "LOWER(COALESCE(\(value), \("\u{10FFFF}")))"
            }
        return [key] + standard
    }

    private func condition(of search: ListRequest.Search) -> SQLQuery {
        // By scalars: the database knows no characters of several.
        let scalars = search.text.unicodeScalars.flatMap { ["\\", "%", "_"].contains($0) ? ["\\", $0] : [$0] }
        let escaped = String(String.UnicodeScalarView(scalars))
        let conditions = resource.fields.filter { search.fields.contains($0.name) }
            .map { "LOWER(\(expression(of: $0))) LIKE LOWER(\("%\(escaped)%")) ESCAPE '\\'" as SQLQuery }
        return conditions.isEmpty ? "TRUE" : "(\(SQLQuery.joined(conditions, separator: " OR ")))"
    }

    /// The sort key's values of an object in the selection, to be compared with; nil when there is none of that id.
    private func position(
        of id: ObjectID,
        _ key: [SQLQuery],
        in selection: Selection,
        on connection: any SQLConnection
    ) throws(Failure) -> SQLQuery? {
        guard let condition = condition(of: selection) else { return nil }
        let row = try connection.row(
            """
            SELECT \(SQLQuery.joined(key, separator: ", ")) \(source) WHERE t.id = \(id) AND \(condition)\(notDeleted)
            """
        )
        return row.map { row in SQLQuery.joined(row.values.map { "\($0)" as SQLQuery }, separator: ", ") }
    }
}
