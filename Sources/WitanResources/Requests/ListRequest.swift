package import WitanCore

/// What a caller asks of a list, read from the query string.
package struct ListRequest: Sendable, Hashable {
    /// Where the page lies, seen from an object of the list.
    package enum Cursor: Sendable, Hashable {
        /// The objects that come after it in the list, which are older.
        case after(ObjectID)
        /// The objects that come before it in the list, nearest to it.
        case before(ObjectID)
    }

    /// A field and the values that it may have.
    package struct Condition: Sendable, Hashable {
        /// The field's name.
        package let field: String

        /// The texts, one of which it must equal.
        package let values: [String]

        /// Asks a field to be one of these.
        package init(field: String, values: [String]) {
            self.field = field
            self.values = values
        }
    }

    /// The greatest number of objects; all when nil.
    package var limit: Int?

    /// Where the page begins; at the newest object when nil.
    package var cursor: Cursor?

    /// The only ids to return; all when nil.
    package var ids: [ObjectID]?

    /// What the objects' fields must be.
    package var conditions: [Condition] = []

    /// The name of the one organization to look in.
    package var organizationName: String?

    /// The id of the one organization to look in.
    package var organizationID: ObjectID?

    /// Only objects made after this moment.
    package var createdAfter: Timestamp?

    /// Only objects made before this moment.
    package var createdBefore: Timestamp?

    /// The order; newest first when nil.
    ///
    /// No query string of the API's asks for another.
    package var order: Order?

    /// What one of some fields must hold; no query string of the API's asks for it.
    package var search: Search?

    /// A text that one of some fields must hold; the case of ASCII's letters is ignored.
    package struct Search: Sendable, Hashable {
        /// The text.
        package let text: String

        /// The fields to look in.
        package let fields: [String]

        /// Looks for a text in fields.
        package init(_ text: String, in fields: [String]) {
            self.text = text
            self.fields = fields
        }
    }

    /// By what a list is ordered, and then by when the objects were made.
    package struct Order: Sendable, Hashable {
        /// A field that holds a text or a moment; objects where it holds nothing come last.
        package let field: String

        /// Whether the greatest comes first.
        package let isDescending: Bool

        /// Orders by a field.
        package init(field: String, isDescending: Bool) {
            self.field = field
            self.isDescending = isDescending
        }
    }

    /// A request for everything.
    package init() {}
}

extension ListRequest {
    /// Which list of a resource is asked for; each has query parameters of its own.
    package enum Variant: Sendable, Hashable {
        /// What the caller can see.
        case own
        /// All that one organization has.
        case ofOrganization
    }

    /// Reads a query string's parameters; those that the list does not know are ignored.
    ///
    /// - Throws: `.invalidRequest` that names each parameter at fault (design: key service, section 1).
    package init(
        query: [(name: String, value: String)],
        of resource: Resource,
        variant: Variant = .own,
        limits: Limits
    ) throws(Failure) {
        var reader = QueryReader(query: query, limits: limits)
        limit = reader.one("limit", expecting: "a whole number, 0 or greater", Self.readLimit)
        let id = "a UUID, such as the id of an object of the list"
        let after = reader.one("starting_after", expecting: id) { ObjectID($0) }
        let before = reader.one("ending_before", expecting: id) { ObjectID($0) }
        if after != nil, before != nil {
            reader.issues.append(
                Failure.Issue(path: ["ending_before"], message: "cannot be given together with starting_after")
            )
        }
        cursor = after.map(Cursor.after) ?? before.map(Cursor.before)
        let ids = reader.several("ids", expecting: "a UUID; repeat the parameter for several", Self.readIDs)
            .flatMap(\.self)
        self.ids = ids.isEmpty ? nil : ids
        for filter in resource.filters {
            let kind = resource.fields.first { $0.name == filter.field }?.kind
            let values = reader.values(of: filter, kind)
            if !values.isEmpty { conditions.append(Condition(field: filter.field, values: values)) }
            if values.isEmpty, filter.isRequired, variant == .own {
                let message = "is required: the list is of the grants on one object"
                reader.issues.append(Failure.Issue(path: [filter.parameter], message: message))
            }
        }
        organizationName = reader.one("org_name", expecting: QueryReader.text, QueryReader.readText)
        if variant == .ofOrganization {
            organizationID = reader.one("org_id", expecting: "a UUID") { ObjectID($0) }
            let moment = "a date and time in the form of RFC 3339, such as 2026-01-31T12:00:00Z"
            createdAfter = reader.one("created_after", expecting: moment) { Timestamp(rfc3339: $0) }
            createdBefore = reader.one("created_before", expecting: moment) { Timestamp(rfc3339: $0) }
        }
        let count = (self.ids?.count ?? 0) + conditions.map(\.values.count).reduce(0, +)
        if count > 2 * limits.repeatedQueryValues {
            reader.issues.append(
                Failure.Issue(
                    path: ["ids"],
                    message: "and the other filters have more than \(2 * limits.repeatedQueryValues) values"
                )
            )
        }
        try reader.finish()
    }

    /// A limit beyond what an integer holds means the same as the greatest integer.
    private static func readLimit(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text) ?? .max
    }

    /// One id, or several with commas between them, as the official Python client sends a list.
    private static func readIDs(_ text: String) -> [ObjectID]? {
        let ids = text.split(separator: ",", omittingEmptySubsequences: false).map { ObjectID($0) }
        return ids.contains(nil) ? nil : ids.compactMap(\.self)
    }
}

/// Reads parameters and collects what is wrong with them.
private struct QueryReader {
    let query: [(name: String, value: String)]
    let limits: Limits
    var issues: [Failure.Issue] = []

    mutating func several<Value>(
        _ name: String,
        expecting expectation: String,
        _ read: (String) -> Value?
    ) -> [Value] {
        var values: [Value] = []
        for parameter in query where parameter.name == name {
            guard values.count < limits.repeatedQueryValues else {
                let message = "can be given at most \(limits.repeatedQueryValues) times"
                issues.append(Failure.Issue(path: [name], message: message))
                break
            }
            guard let value = read(parameter.value) else {
                issues.append(Failure.Issue(path: [name], message: "must be \(expectation)"))
                break
            }
            values.append(value)
        }
        return values
    }

    /// The values of a filter, in the form in which its field keeps them.
    mutating func values(of filter: Resource.Filter, _ kind: FieldSpec.Kind?) -> [String] {
        let expectation: String
        let read: (String) -> String?
        switch kind {
        case .id, .reference:
            expectation = "a UUID"
            read = { ObjectID($0)?.description }
        case .choice(let choices):
            expectation = "one of \(choices.joined(separator: ", "))"
            read = { choices.contains($0) ? $0 : nil }
        default:
            expectation = Self.text
            read = Self.readText
        }
        guard filter.isRepeatable else { return one(filter.parameter, expecting: expectation, read).map { [$0] } ?? [] }
        return several(filter.parameter, expecting: expectation) { text in
            // The official Python client sends a list with commas, which a text may also have itself.
            guard text.contains(",") else { return read(text).map { [$0] } }
            let parts = text.split(separator: ",").map { read(String($0)) }
            return parts.contains(nil) ? nil : ([read(text)] + parts).compactMap(\.self)
        }
        .flatMap(\.self)
    }

    static let text = "a text without U+0000"

    /// PostgreSQL's texts cannot hold U+0000, so no object's name has one.
    static func readText(_ text: String) -> String? {
        text.unicodeScalars.contains("\0") ? nil : text
    }

    mutating func one<Value>(_ name: String, expecting expectation: String, _ read: (String) -> Value?) -> Value? {
        let values = several(name, expecting: expectation, read)
        if values.count > 1 {
            issues.append(Failure.Issue(path: [name], message: "can be given only once"))
        }
        return values.first
    }

    func finish() throws(Failure) {
        guard issues.isEmpty else { throw Failure(invalid: issues) }
    }
}
