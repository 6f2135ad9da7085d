package import WitanCore

/// One statement and its arguments, written as an interpolated string.
///
/// ```swift
/// let query: SQLQuery = "SELECT name FROM api_keys WHERE id = \(id) AND org_id IN \(list: organizations)"
/// ```
///
/// Every interpolated value is bound, never spliced into the text. Raw text enters by a literal, by
/// `\(identifier:)` for names that come from declarations, and by `\(fragment)` for another query.
package struct SQLQuery: Sendable, Hashable {
    /// The statement with `?` for each argument; `SQLDialect` turns it into the engine's own placeholders.
    package private(set) var text: String

    /// The arguments in the order of their placeholders.
    package private(set) var arguments: [SQLValue]

    /// An empty fragment to append to.
    package init() {
        text = ""
        arguments = []
    }

    /// Takes a statement that was put together before, with `?` for each argument.
    init(text: String, arguments: [SQLValue]) {
        self.text = text
        self.arguments = arguments
    }

    /// Adds a fragment at the end.
    package static func += (query: inout SQLQuery, fragment: SQLQuery) {
        query.text += fragment.text
        query.arguments += fragment.arguments
    }

    /// The fragments one after another with `separator` between them.
    package static func joined(_ fragments: some Sequence<SQLQuery>, separator: SQLQuery) -> SQLQuery {
        var query = SQLQuery()
        for (index, fragment) in fragments.enumerated() {
            if index > 0 { query += separator }
            query += fragment
        }
        return query
    }
}

extension SQLQuery: ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) {
        text = value
        arguments = []
    }

    package init(stringInterpolation: StringInterpolation) {
        self = stringInterpolation.query
    }

    /// Collects the literals and the bound values of one query.
    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var query = SQLQuery()

        package init(literalCapacity: Int, interpolationCount: Int) {
            query.text.reserveCapacity(literalCapacity + interpolationCount)
            query.arguments.reserveCapacity(interpolationCount)
        }

        package mutating func appendLiteral(_ literal: String) {
            query.text += literal
        }

        /// Binds a value.
        package mutating func appendInterpolation(_ value: SQLValue) {
            query.text += "?"
            query.arguments.append(value)
        }

        /// Binds a text.
        package mutating func appendInterpolation(_ value: String) {
            appendInterpolation(.text(value))
        }

        /// Binds a text, or null.
        package mutating func appendInterpolation(_ value: String?) {
            appendInterpolation(value.map(SQLValue.text) ?? .null)
        }

        /// Binds an integer.
        package mutating func appendInterpolation(_ value: Int) {
            appendInterpolation(.integer(Int64(value)))
        }

        /// Binds an id in its text form.
        package mutating func appendInterpolation(_ value: ObjectID) {
            appendInterpolation(.text(value.description))
        }

        /// Binds an id in its text form, or null.
        package mutating func appendInterpolation(_ value: ObjectID?) {
            appendInterpolation(value.map { SQLValue.text($0.description) } ?? .null)
        }

        /// Binds a moment as microseconds.
        package mutating func appendInterpolation(_ value: Timestamp) {
            appendInterpolation(.integer(value.microseconds))
        }

        /// Binds bytes.
        package mutating func appendInterpolation(_ value: [UInt8]) {
            appendInterpolation(.blob(value))
        }

        /// Binds each value of a parenthesised list; an empty list matches nothing.
        package mutating func appendInterpolation(list values: some Collection<SQLValue>) {
            if values.isEmpty {
                query.text += "(NULL)"
                return
            }
            query.text += "("
            for (index, value) in values.enumerated() {
                if index > 0 { query.text += ", " }
                appendInterpolation(value)
            }
            query.text += ")"
        }

        /// Writes a table's or a column's name, quoted.
        ///
        /// - Precondition: the name comes from a declaration and is made of letters, digits and underscores.
        package mutating func appendInterpolation(identifier name: String) {
            precondition(
                name.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
                },
                "A name in SQL is made of letters, digits and underscores"
            )
            query.text += "\"\(name)\""
        }

        /// Writes a word of the dialect's as it is: a type, a suffix or an expression.
        package mutating func appendInterpolation(raw word: String) {
            query.text += word
        }

        /// Splices another query in, with its arguments.
        package mutating func appendInterpolation(_ fragment: SQLQuery) {
            query += fragment
        }
    }
}
