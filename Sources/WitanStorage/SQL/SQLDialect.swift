/// What the engines write differently; everything else is written once.
///
/// There is one constant per engine, beside the engine.
package struct SQLDialect: Sendable {
    /// The engine's name, for messages and for tests.
    package let name: String

    /// The type of a column that holds 64-bit integers.
    package let integerType: String

    /// The type of a column that holds bytes.
    package let blobType: String

    /// An expression that makes a random UUID in its text form, another for each row.
    package let randomID: String

    /// What follows the closing parenthesis of CREATE TABLE.
    package let tableSuffix: String

    /// A query that has a row when a table of that name exists.
    package let tablesNamed: @Sendable (_ name: String) -> SQLQuery

    /// The text of a statement with the engine's own placeholders in place of `?`.
    package let placeholders: @Sendable (_ text: String) -> String

    /// Describes an engine.
    package init(
        name: String,
        integerType: String,
        blobType: String,
        randomID: String,
        tableSuffix: String,
        tablesNamed: @escaping @Sendable (_ name: String) -> SQLQuery,
        placeholders: @escaping @Sendable (_ text: String) -> String
    ) {
        self.name = name
        self.integerType = integerType
        self.blobType = blobType
        self.randomID = randomID
        self.tableSuffix = tableSuffix
        self.tablesNamed = tablesNamed
        self.placeholders = placeholders
    }
}
