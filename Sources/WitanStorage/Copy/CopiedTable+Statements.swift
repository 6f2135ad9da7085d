import WitanCore

extension CopiedTable {
    /// Some rows of a table, in the order of its key.
    struct Page: Sendable {
        /// The rows, each with all columns.
        let rows: [SQLRow]

        /// Whether the table has no rows after these.
        let isLast: Bool
    }

    /// How much a page may hold.
    package struct PageSize: Sendable {
        /// The most rows.
        package var rows = 1_000

        /// The most characters and bytes of all rows together; a single row may be larger, as large as one can be.
        package var content = 1 << 20

        /// The values that one statement may hold: SQLite takes 32,766, PostgreSQL twice as many.
        static let values = 30_000

        /// What is copied quickly and holds little memory.
        package init() {}
    }

    /// The rows that follow a key, the first ones when it is nil.
    func page(
        after key: [SQLValue]?,
        _ size: PageSize,
        on connection: any SQLConnection
    ) throws(Failure) -> Page {
        let limit = min(size.rows, PageSize.values / columns.count)
        let sizes = try connection.rows("SELECT \(contentSize) \(rows(after: key, limit: limit))")
        var content: Int64 = 0
        var count = 0
        for row in sizes {
            content += try row.integer(0)
            if count > 0, content > size.content { break }
            count += 1
        }
        guard count > 0 else { return Page(rows: [], isLast: true) }
        let rows = try connection.rows("SELECT \(columnList) \(rows(after: key, limit: count))")
        return Page(rows: rows, isLast: count == sizes.count && count < limit)
    }

    /// Adds rows with all their columns.
    func insert(_ rows: [SQLRow], on connection: any SQLConnection) throws(Failure) {
        var text = "INSERT INTO \"\(name)\" (\(columnList.text)) VALUES "
        let marks = "(\(Array(repeating: "?", count: columns.count).joined(separator: ", ")))"
        text += Array(repeating: marks, count: rows.count).joined(separator: ", ")
        try connection.run(SQLQuery(text: text, arguments: rows.flatMap(\.values)))
    }

    /// How many rows there are.
    func count(on connection: any SQLConnection) throws(Failure) -> Int {
        try connection.row("SELECT COUNT(*) FROM \(identifier: name)")
            .map { row throws(Failure) in
                Int(try row.integer(0))
            } ?? 0
    }

    /// Whether there is no row.
    func isEmpty(on connection: any SQLConnection) throws(Failure) -> Bool {
        try connection.row("SELECT 1 FROM \(identifier: name) LIMIT 1") == nil
    }

    /// Removes all rows.
    func deleteAll(on connection: any SQLConnection) throws(Failure) {
        try connection.run("DELETE FROM \(identifier: name)")
    }

    private func rows(after key: [SQLValue]?, limit: Int) -> SQLQuery {
        let order = SQLQuery.joined(self.key.map(\.expression), separator: ", ")
        var query: SQLQuery = "FROM \(identifier: name)"
        if let key { query += " WHERE (\(order)) > \(list: key)" }
        query += " ORDER BY \(order) LIMIT \(limit)"
        return query
    }

    private var columnList: SQLQuery {
        SQLQuery.joined(columns.map { "\(identifier: $0)" }, separator: ", ")
    }

    private var contentSize: SQLQuery {
        guard !longColumns.isEmpty else { return "0" }
        return SQLQuery.joined(longColumns.map { "COALESCE(LENGTH(\(identifier: $0)), 0)" }, separator: " + ")
    }
}
