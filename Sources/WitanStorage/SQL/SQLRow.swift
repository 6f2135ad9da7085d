package import WitanCore

/// One row of an answer; columns are read by position, in the order of the SELECT list.
package struct SQLRow: Sendable, Hashable {
    /// The values in the order of the SELECT list.
    package let values: [SQLValue]

    /// Takes the values in the order of the SELECT list.
    package init(values: [SQLValue]) {
        self.values = values
    }

    /// The value of a column as it is.
    package subscript(column: Int) -> SQLValue { values[column] }

    /// The text of a column; throws `.bug` when the column holds something else.
    package func text(_ column: Int) throws(Failure) -> String {
        guard case .text(let text) = values[column] else { throw mismatch(column, "text") }
        return text
    }

    /// The text of a column, or nil when it is null.
    package func optionalText(_ column: Int) throws(Failure) -> String? {
        values[column] == .null ? nil : try text(column)
    }

    /// The integer of a column; throws `.bug` when the column holds something else.
    package func integer(_ column: Int) throws(Failure) -> Int64 {
        guard case .integer(let integer) = values[column] else { throw mismatch(column, "an integer") }
        return integer
    }

    /// The bytes of a column; throws `.bug` when the column holds something else.
    package func blob(_ column: Int) throws(Failure) -> [UInt8] {
        guard case .blob(let bytes) = values[column] else { throw mismatch(column, "bytes") }
        return bytes
    }

    /// The id in a text column; throws `.bug` when the column holds something else.
    package func id(_ column: Int) throws(Failure) -> ObjectID {
        guard let id = ObjectID(try text(column)) else { throw mismatch(column, "an id") }
        return id
    }

    /// The id in a text column, or nil when it is null.
    package func optionalID(_ column: Int) throws(Failure) -> ObjectID? {
        values[column] == .null ? nil : try id(column)
    }

    /// The moment in an integer column; throws `.bug` when the column holds something else.
    package func timestamp(_ column: Int) throws(Failure) -> Timestamp {
        Timestamp(microseconds: try integer(column))
    }

    private func mismatch(_ column: Int, _ expected: String) -> Failure {
        .bug("Column \(column) of a row does not hold \(expected); the database was changed by something else")
    }
}
