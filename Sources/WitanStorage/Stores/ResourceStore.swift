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

    let select: SQLQuery
    let source: SQLQuery
    private let ownColumns: String
    private let lists: [FieldSpec]

    /// Takes the declaration.
    package init(_ resource: Resource) {
        self.resource = resource
        self.source = Self.source(resource)
        self.select = "SELECT \(Self.columns(resource)) \(source)"
        self.ownColumns = resource.fields.filter { $0.source == .column }.map { "\"\($0.name)\"" }
            .joined(separator: ", ")
        self.lists = resource.fields.filter(\.isList)
    }

    // MARK: Reading

    /// The object with that id, whoever may see it.
    package func get(_ id: ObjectID, on connection: any SQLConnection) throws(Failure) -> Record? {
        try records("\(select) WHERE t.id = \(id)\(notDeleted)", on: connection).first
    }

    /// The newest object whose `fields` have those values, whoever may see it.
    package func find(
        _ values: [(field: String, value: FieldValue)],
        on connection: any SQLConnection
    ) throws(Failure) -> Record? {
        let conditions = values.map { field, value -> SQLQuery in
            value == .null ? "t.\(identifier: field) IS NULL" : "t.\(identifier: field) = \(value.sqlValue)"
        }
        return try records(
            """
            \(select) WHERE \(SQLQuery.joined(conditions, separator: " AND "))\(notDeleted)
            ORDER BY t.created DESC, t.id DESC LIMIT 1
            """,
            on: connection
        )
        .first
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
        let records = try records(query, on: connection)
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
        guard !lists.isEmpty, let id = record.id else { return }
        for field in lists {
            guard case .list(let items) = record[name: field.name] else { continue }
            try add(items, to: field, of: id, on: connection)
        }
    }

    /// Changes columns of a row, those that no member shows among them, and replaces lists.
    package func update(
        _ id: ObjectID,
        setting values: [(field: FieldSpec, value: FieldValue)],
        hidden: [(column: String, value: SQLValue)] = [],
        on connection: any SQLConnection
    ) throws(Failure) {
        for (field, value) in values where field.isList {
            guard case .rows(let table, let owner, _) = field.source else { continue }
            try connection.run("DELETE FROM \(identifier: table) WHERE \(identifier: owner) = \(id)")
            if case .list(let items) = value { try add(items, to: field, of: id, on: connection) }
        }
        let columns = values.filter { !$0.field.isList }.map { ($0.field.name, $0.value.sqlValue) } + hidden
        guard !columns.isEmpty else { return }
        let assignments = columns.map { name, value -> SQLQuery in "\(identifier: name) = \(value)" }
        try connection.run(
            """
            UPDATE \(identifier: resource.table) SET \(SQLQuery.joined(assignments, separator: ", ")) WHERE id = \(id)
            """
        )
    }

    /// Adds items to a list that is kept in rows of its own; those that are there already stay as they are.
    package func add(
        _ items: [FieldValue],
        to field: FieldSpec,
        of id: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) {
        guard case .rows(let table, let owner, _) = field.source else { return }
        for item in items {
            let columns = field.columns(of: item)
            let names = SQLQuery.joined(columns.map { "\(identifier: $0.name)" }, separator: ", ")
            let values = SQLQuery.joined(columns.map { "\($0.value)" }, separator: ", ")
            try connection.run(
                """
                INSERT INTO \(identifier: table) (\(identifier: owner), \(names)) VALUES (\(id), \(values))
                ON CONFLICT DO NOTHING
                """
            )
        }
    }

    /// Takes items out of such a list; those that are not in it are not missed.
    package func remove(
        _ items: [FieldValue],
        from field: FieldSpec,
        of id: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) {
        guard case .rows(let table, let owner, _) = field.source else { return }
        for item in items {
            let conditions = field.columns(of: item)
                .map { name, value -> SQLQuery in
                    value == .null ? "\(identifier: name) IS NULL" : "\(identifier: name) = \(value)"
                }
            try connection.run(
                """
                DELETE FROM \(identifier: table)
                WHERE \(identifier: owner) = \(id) AND \(SQLQuery.joined(conditions, separator: " AND "))
                """
            )
        }
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

    func conditions(of request: ListRequest, in selection: Selection, window: Window = Window()) -> SQLQuery? {
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
    func condition(of selection: Selection) -> SQLQuery? {
        switch selection {
        case .everything:
            return "TRUE"
        case .organization(let organization):
            return resource.organizationField.map { "t.\(identifier: $0) = \(organization)" }
        case .visible(let viewer):
            let conditions = conditions(of: viewer)
            return switch conditions.count {
            case 0: nil
            case 1: conditions[0]
            default: "(\(SQLQuery.joined(conditions, separator: " OR ")))"
            }
        }
    }

    /// What makes a row visible, each by itself.
    private func conditions(of viewer: Viewer) -> [SQLQuery] {
        var conditions: [SQLQuery] = []
        let whole = Self.any(of: viewer.wholeOrganizations)
        switch resource.scope {
        case .organizations:
            if let whole { conditions.append("t.id\(whole)") }
        case .members:
            // The viewer is a member too; `OR` would have every user looked at.
            if let whole {
                conditions.append("t.id IN (SELECT m.user_id FROM members AS m WHERE m.org_id\(whole))")
            } else if viewer.seesOwn {
                conditions.append("t.id = \(viewer.userID)")
            }
        case .organization(let field, let sharesOthers):
            if let whole { conditions.append("t.\(identifier: field)\(whole)") }
            for granted in viewer.granted {
                conditions.append(
                    """
                    (t.\(identifier: field) = \(granted.organizationID)
                    AND t.id IN (\(Self.objects(of: granted, to: viewer.userID))))
                    """
                )
            }
            if sharesOthers, !viewer.organizations.isEmpty { conditions.append("t.\(identifier: field) IS NULL") }
        case .person(let person, let field):
            if let whole { conditions.append("t.\(identifier: field)\(whole)") }
            if viewer.seesOwn, let organizations = Self.any(of: viewer.organizations) {
                conditions.append(
                    "t.\(identifier: person) = \(viewer.userID) AND t.\(identifier: field)\(organizations)"
                )
            }
        case .grants(_, _, let field):
            if let whole { conditions.append("t.\(identifier: field)\(whole)") }
        }
        return conditions
    }

    /// The ids of the objects on which a user, or a group that holds them, was given a permission.
    private static func objects(of granted: Viewer.Granted, to userID: ObjectID) -> SQLQuery {
        let (permission, type) = (granted.permission.rawValue, granted.type.rawValue)
        let groups = granted.groups.map { SQLValue.text($0.description) }
        return """
            SELECT a.object_id FROM acls AS a
            WHERE a.object_type = \(type) AND (a.user_id = \(userID) OR a.group_id IN \(list: groups))
            AND (
                a.permission = \(permission) AND COALESCE(a.restrict_object_type, \(type)) = \(type)
                OR a.role_id IN (
                    WITH RECURSIVE giving (id) AS (
                        SELECT p.role_id FROM role_permissions AS p JOIN roles AS r ON r.id = p.role_id
                        WHERE p.permission = \(permission) AND COALESCE(p.restrict_object_type, \(type)) = \(type)
                        AND (r.org_id = \(granted.organizationID) OR r.org_id IS NULL)
                        UNION
                        SELECT m.role_id FROM role_roles AS m JOIN giving AS g ON m.member_role_id = g.id
                    )
                    SELECT id FROM giving
                )
            )
            """
    }

    /// One id is compared, so that an index can also give the order; several are listed.
    private static func any(of ids: [ObjectID]) -> SQLQuery? {
        switch ids.count {
        case 0: nil
        case 1: " = \(ids[0])"
        default: " IN \(list: ids.map { SQLValue.text($0.description) })"
        }
    }

    var notDeleted: SQLQuery {
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

    /// A field's value in a row of `source`.
    func expression(of field: FieldSpec) -> SQLQuery { Self.expression(of: field, in: resource) }

    private static func expression(of field: FieldSpec, in resource: Resource) -> SQLQuery {
        switch field.source {
        case .column:
            return "t.\(identifier: field.name)"
        case .joined(let reference, let column):
            guard let index = joins(of: resource).firstIndex(of: reference) else { return "NULL" }
            return "\(identifier: "j\(index)").\(identifier: column)"
        case .rows:
            return "NULL"
        }
    }

    private static func columns(_ resource: Resource) -> SQLQuery {
        SQLQuery.joined(resource.fields.map { expression(of: $0, in: resource) }, separator: ", ")
    }

    /// The references through which fields come from other tables, each once.
    private static func joins(of resource: Resource) -> [String] {
        var joins: [String] = []
        for field in resource.fields {
            if case .joined(let reference, _) = field.source, !joins.contains(reference) { joins.append(reference) }
        }
        return joins
    }

    private static func source(_ resource: Resource) -> SQLQuery {
        var query: SQLQuery = "FROM \(identifier: resource.table) AS t"
        for (index, reference) in joins(of: resource).enumerated() {
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

    func records(_ query: SQLQuery, on connection: any SQLConnection) throws(Failure) -> [Record] {
        let rows = try connection.rows(query)
        var records: [Record] = []
        records.reserveCapacity(rows.count)
        for row in rows { records.append(try record(row)) }
        if !lists.isEmpty, !records.isEmpty { try readLists(of: &records, on: connection) }
        return records
    }

    /// Completes records by their lists, with a query for each list, however many records there are.
    private func readLists(of records: inout [Record], on connection: any SQLConnection) throws(Failure) {
        let ids = records.map { $0.values[0].sqlValue }
        for field in lists {
            guard case .rows(let table, let owner, _) = field.source,
                let column = resource.fields.firstIndex(of: field)
            else { continue }
            let names = SQLQuery.joined(field.itemColumns.map { "\(identifier: $0)" }, separator: ", ")
            let rows = try connection.rows(
                """
                SELECT \(identifier: owner), \(names) FROM \(identifier: table)
                WHERE \(identifier: owner) IN \(list: ids) ORDER BY \(identifier: owner), \(names)
                """
            )
            var items: [SQLValue: [FieldValue]] = [:]
            for row in rows { items[row[0], default: []].append(try field.item(of: row)) }
            for index in records.indices {
                records[index].values[column] = .list(items[records[index].values[0].sqlValue] ?? [])
            }
        }
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
        case .count(let count): .integer(count)
        case .timestamp(let moment): .integer(moment.microseconds)
        case .object(let object): .text(JSONWriter.string(of: .object(object)))
        case .list: .text(JSONWriter.string(of: json))
        }
    }
}

extension FieldSpec {
    /// The columns that hold an item of a list with rows of its own.
    fileprivate var itemColumns: [String] {
        guard case .rows(_, _, let item) = source else { return [] }
        if case .list(.structure(let members)) = kind { return members.map(\.name) }
        return [item]
    }

    /// An item of such a list as its columns.
    fileprivate func columns(of item: FieldValue) -> [(name: String, value: SQLValue)] {
        guard case .object(let object) = item else { return itemColumns.map { ($0, item.sqlValue) } }
        return itemColumns.map { name in (name, object[name]?.string.map(SQLValue.text) ?? .null) }
    }

    /// The item of such a list that stands in a row after the owner's column.
    fileprivate func item(of row: SQLRow) throws(Failure) -> FieldValue {
        guard case .list(.structure(let members)) = kind else { return .text(try row.text(1)) }
        var object = JSONObject()
        for (index, member) in members.enumerated() {
            object[member.name] = try row.optionalText(index + 1).map(JSONValue.string) ?? .null
        }
        return .object(object)
    }

    fileprivate func value(of value: SQLValue) throws(Failure) -> FieldValue {
        switch (kind, value) {
        case (_, .null):
            return .null
        case (.id, .text(let text)), (.reference, .text(let text)), (.text, .text(let text)),
            (.choice, .text(let text)):
            return .text(text)
        case (.flag, .integer(let integer)):
            return .flag(integer != 0)
        case (.count, .integer(let integer)):
            return .count(integer)
        case (.timestamp, .integer(let integer)):
            return .timestamp(Timestamp(microseconds: integer))
        case (.object, .text(let text)), (.structure, .text(let text)):
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
