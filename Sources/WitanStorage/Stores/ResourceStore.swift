package import WitanCore
import WitanJSON
package import WitanResources

/// Reads and writes the rows of one resource, by its declaration alone.
///
/// Every method takes the connection of a transaction; none opens one.
package struct ResourceStore: Sendable {
    /// An object's place in a list, which is ordered by `created` and then by `id`, newest first.
    package struct Position: Sendable, Hashable {
        let created: Timestamp
        let id: String
    }

    /// A stretch of a list: the objects strictly between two positions.
    package struct Window: Sendable, Hashable {
        /// The older end; the oldest object is included when nil.
        package var above: Position?

        /// The newer end; the newest object is included when nil.
        package var below: Position?

        /// Everything.
        package init() {}
    }

    /// Which rows a list may hold.
    package enum Selection: Sendable {
        /// Those that the viewer can see.
        case visible(Viewer)
        /// Every row of the organization.
        case organization(ObjectID)
        /// Every row.
        case everything
    }

    /// The declaration.
    package let resource: Resource

    private let select: SQLQuery
    private let ownColumns: String

    /// Takes the declaration.
    package init(_ resource: Resource) {
        self.resource = resource
        self.select = Self.select(resource)
        self.ownColumns = resource.fields.filter { $0.source == .column }.map { "\"\($0.name)\"" }
            .joined(separator: ", ")
    }

    // MARK: Reading

    /// The object with that id, if the viewer can see it.
    package func get(_ id: ObjectID, for viewer: Viewer, on connection: any SQLConnection) throws(Failure) -> Record? {
        guard let condition = visibleByID(to: viewer) else { return nil }
        let query: SQLQuery = "\(select) WHERE t.id = \(id) AND \(condition)\(notDeleted)"
        return try connection.row(query).map { row throws(Failure) in try record(row) }
    }

    /// The object whose `fields` have those values, whoever may see it.
    package func find(
        _ values: [(field: String, value: FieldValue)],
        on connection: any SQLConnection
    ) throws(Failure) -> Record? {
        let conditions = values.map { field, value -> SQLQuery in "t.\(identifier: field) = \(value.sqlValue)" }
        let query: SQLQuery = "\(select) WHERE \(SQLQuery.joined(conditions, separator: " AND "))\(notDeleted)"
        return try connection.row(query).map { row throws(Failure) in try record(row) }
    }

    /// The window that a request's cursor and limit describe; nil when the cursor names nothing in the selection.
    package func window(
        of request: ListRequest,
        in selection: Selection,
        on connection: any SQLConnection
    ) throws(Failure) -> Window? {
        var window = Window()
        switch request.cursor {
        case nil:
            break
        case .after(let id):
            guard let position = try position(of: id, in: selection, on: connection) else { return nil }
            window.below = position
        case .before(let id):
            guard let position = try position(of: id, in: selection, on: connection) else { return nil }
            window.above = position
            // The page is adjacent to its cursor: it ends below the object that stands `limit` + 1 places above it.
            guard let limit = request.limit else { break }
            guard let conditions = conditions(of: request, in: selection, window: window) else { return nil }
            let query: SQLQuery = """
                SELECT t.created, t.id FROM \(identifier: resource.table) AS t WHERE \(conditions) \
                ORDER BY t.created, t.id LIMIT 1 OFFSET \(limit)
                """
            if let row = try connection.row(query) {
                window.below = Position(created: try row.timestamp(0), id: try row.text(1))
            }
        }
        return window
    }

    /// The newest objects of a window, newest first, at most `limit` of them, and the position of the last one.
    package func page(
        of request: ListRequest,
        in selection: Selection,
        window: Window,
        limit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> (records: [Record], last: Position?) {
        guard let conditions = conditions(of: request, in: selection, window: window) else { return ([], nil) }
        let query: SQLQuery = "\(select) WHERE \(conditions) ORDER BY t.created DESC, t.id DESC LIMIT \(limit)"
        var records: [Record] = []
        for row in try connection.rows(query) { records.append(try record(row)) }
        guard let last = records.last, case .text(let id) = last.values[0],
            case .timestamp(let created) = last[name: "created"]
        else { return (records, nil) }
        return (records, Position(created: created, id: id))
    }

    // MARK: Writing

    /// Inserts a row: the record's own columns, and those that no member shows.
    package func insert(
        _ record: Record,
        hidden: [(column: String, value: SQLValue)] = [],
        on connection: any SQLConnection
    ) throws(Failure) {
        var columns = ownColumns
        var arguments: [SQLValue] = []
        for (field, value) in zip(record.fields, record.values) where field.source == .column {
            arguments.append(value.sqlValue)
        }
        for (column, value) in hidden {
            columns += ", \"\(column)\""
            arguments.append(value)
        }
        let marks = String(repeating: "?, ", count: arguments.count).dropLast(2)
        let text = "INSERT INTO \"\(resource.table)\" (\(columns)) VALUES (\(marks))"
        try connection.run(SQLQuery(text: text, arguments: arguments))
    }

    /// Changes columns of a row.
    package func update(
        _ id: ObjectID,
        setting values: [(field: FieldSpec, value: FieldValue)],
        on connection: any SQLConnection
    ) throws(Failure) {
        guard !values.isEmpty else { return }
        let assignments = values.map { field, value -> SQLQuery in "\(identifier: field.name) = \(value.sqlValue)" }
        try connection.run(
            """
            UPDATE \(identifier: resource.table) SET \(SQLQuery.joined(assignments, separator: ", ")) WHERE id = \(id)
            """
        )
    }

    /// Deletes a row, or hides it, as the declaration says; whether there was one.
    package func delete(_ id: ObjectID, at now: Timestamp, on connection: any SQLConnection) throws(Failure) -> Bool {
        switch resource.deletion {
        case .hard:
            try connection.run("DELETE FROM \(identifier: resource.table) WHERE id = \(id)") == 1
        case .soft(let field):
            try connection.run(
                """
                UPDATE \(identifier: resource.table) SET \(identifier: field) = \(now) \
                WHERE id = \(id) AND \(identifier: field) IS NULL
                """
            ) == 1
        }
    }

    // MARK: Conditions

    private func conditions(of request: ListRequest, in selection: Selection, window: Window) -> SQLQuery? {
        guard var query = condition(of: selection) else { return nil }
        query += notDeleted
        for condition in request.conditions {
            query += " AND t.\(identifier: condition.field) IN \(list: condition.values.map(SQLValue.text))"
        }
        if let ids = request.ids {
            query += " AND t.id IN \(list: ids.map { SQLValue.text($0.description) })"
        }
        if let moment = request.createdAfter { query += " AND t.created > \(moment)" }
        if let moment = request.createdBefore { query += " AND t.created < \(moment)" }
        if let position = window.above { query += " AND (t.created, t.id) > (\(position.created), \(position.id))" }
        if let position = window.below { query += " AND (t.created, t.id) < (\(position.created), \(position.id))" }
        return query
    }

    /// nil when nothing can match.
    private func condition(of selection: Selection) -> SQLQuery? {
        switch selection {
        case .everything:
            return "TRUE"
        case .organization(let organization):
            return resource.organizationField.map { "t.\(identifier: $0) = \(organization)" }
        case .visible(let viewer):
            guard case .person(let person, let organization) = resource.scope else { return visibleByID(to: viewer) }
            guard let organizations = Self.any(of: viewer.organizations) else { return nil }
            return "t.\(identifier: person) = \(viewer.userID) AND t.\(identifier: organization)\(organizations)"
        }
    }

    private func visibleByID(to viewer: Viewer) -> SQLQuery? {
        guard let organizations = Self.any(of: viewer.organizations) else { return nil }
        switch resource.scope {
        case .ownOrganizations:
            return "t.id\(organizations)"
        case .fellowMembers:
            return "EXISTS (SELECT 1 FROM members AS m WHERE m.user_id = t.id AND m.org_id\(organizations))"
        case .organization(let organization):
            return "t.\(identifier: organization)\(organizations)"
        case .person(let person, let organization):
            let own: SQLQuery = "t.\(identifier: person) = \(viewer.userID)"
            guard let owned = Self.any(of: viewer.ownedOrganizations) else {
                return "t.\(identifier: organization)\(organizations) AND \(own)"
            }
            return """
                t.\(identifier: organization)\(organizations) AND (\(own) OR t.\(identifier: organization)\(owned))
                """
        }
    }

    /// One id is compared, so that an index can also give the order; several are listed.
    private static func any(of ids: [ObjectID]) -> SQLQuery? {
        switch ids.count {
        case 0: nil
        case 1: " = \(ids[0])"
        default: " IN \(list: ids.map { SQLValue.text($0.description) })"
        }
    }

    private var notDeleted: SQLQuery {
        guard case .soft(let field) = resource.deletion else { return "" }
        return " AND t.\(identifier: field) IS NULL"
    }

    private func position(
        of id: ObjectID,
        in selection: Selection,
        on connection: any SQLConnection
    ) throws(Failure) -> Position? {
        guard let condition = condition(of: selection) else { return nil }
        let query: SQLQuery = """
            SELECT t.created, t.id FROM \(identifier: resource.table) AS t WHERE t.id = \(id) AND \(condition)\(notDeleted)
            """
        guard let row = try connection.row(query) else { return nil }
        return Position(created: try row.timestamp(0), id: try row.text(1))
    }

    // MARK: Rows

    private static func select(_ resource: Resource) -> SQLQuery {
        var joins: [String] = []
        var columns: [SQLQuery] = []
        for field in resource.fields {
            switch field.source {
            case .column:
                columns.append("t.\(identifier: field.name)")
            case .joined(let reference, let column):
                let index = joins.firstIndex(of: reference) ?? joins.count
                if index == joins.count { joins.append(reference) }
                columns.append("\(identifier: "j\(index)").\(identifier: column)")
            }
        }
        var query: SQLQuery = """
            SELECT \(SQLQuery.joined(columns, separator: ", ")) FROM \(identifier: resource.table) AS t
            """
        for (index, reference) in joins.enumerated() {
            guard case .reference(let name)? = resource.fields.first(where: { $0.name == reference })?.kind,
                let target = Catalog.all.first(where: { $0.name == name })
            else { preconditionFailure("\(resource.name) joins through \(reference), which refers to no resource") }
            query += """
                 LEFT JOIN \(identifier: target.table) AS \(identifier: "j\(index)") \
                ON \(identifier: "j\(index)").id = t.\(identifier: reference)
                """
        }
        return query
    }

    private func record(_ row: SQLRow) throws(Failure) -> Record {
        var values: [FieldValue] = []
        values.reserveCapacity(resource.fields.count)
        for (column, field) in resource.fields.enumerated() {
            values.append(try field.value(of: row[column]))
        }
        return Record(fields: resource.fields, values: values)
    }
}

extension FieldValue {
    fileprivate var sqlValue: SQLValue {
        switch self {
        case .null: .null
        case .text(let text): .text(text)
        case .flag(let flag): .integer(flag ? 1 : 0)
        case .timestamp(let moment): .integer(moment.microseconds)
        case .object(let object): .text(JSONWriter.string(of: .object(object)))
        }
    }
}

extension FieldSpec {
    fileprivate func value(of value: SQLValue) throws(Failure) -> FieldValue {
        switch (kind, value) {
        case (_, .null):
            return .null
        case (.id, .text(let text)), (.reference, .text(let text)), (.text, .text(let text)),
            (.choice, .text(let text)):
            return .text(text)
        case (.flag, .integer(let integer)):
            return .flag(integer != 0)
        case (.timestamp, .integer(let integer)):
            return .timestamp(Timestamp(microseconds: integer))
        case (.object, .text(let text)):
            // Whatever is wrong with it, the sentence below is the same.
            guard let json = try? JSONParser.parse(text), case .object(let object) = json else { break }
            return .object(object)
        default:
            break
        }
        throw .bug(
            "The column \(name) holds something else than its declaration says; was the database changed by hand?"
        )
    }
}
