/// What the engines write differently; everything else is written once.
///
/// There is one constant per engine, beside the engine.
package struct SQLDialect: Sendable {
    /// The engine's name, for messages and for tests.
    package let name: String

    /// The type of a column that holds 64-bit integers.
    package let integerType: String

    /// The type of a column that holds a text, which is compared and ordered by its bytes.
    package let textType: String

    /// The type of a column that holds bytes.
    package let blobType: String

    /// An expression that makes a random UUID in its text form, another for each row.
    package let randomID: String

    /// What follows the closing parenthesis of CREATE TABLE.
    package let tableSuffix: String

    /// What a SELECT ends with that takes one row which no other transaction holds, and keeps others from it.
    package let takingFreeRow: String

    /// An expression for the moment at which it is evaluated by the database's clock, in microseconds since 1970.
    package let currentTime: String

    /// What a SELECT ends with that keeps others from deleting the rows of a table, by its alias, until the end of the
    /// transaction, which must be one that writes.
    package let keepingRows: @Sendable (_ alias: String) -> String

    /// A query that wakes whoever listens to a channel once the transaction is committed; nil where nobody can listen.
    package let notification: @Sendable (_ channel: String) -> SQLQuery?

    /// A query that has a row when a table of that name exists.
    package let tablesNamed: @Sendable (_ name: String) -> SQLQuery

    /// The text of a statement with the engine's own placeholders in place of `?`.
    package let placeholders: @Sendable (_ text: String) -> String

    /// Describes an engine.
    package init(
        name: String,
        integerType: String,
        textType: String,
        blobType: String,
        randomID: String,
        tableSuffix: String,
        takingFreeRow: String,
        keepingRows: @escaping @Sendable (_ alias: String) -> String,
        currentTime: String,
        notification: @escaping @Sendable (_ channel: String) -> SQLQuery?,
        tablesNamed: @escaping @Sendable (_ name: String) -> SQLQuery,
        placeholders: @escaping @Sendable (_ text: String) -> String
    ) {
        self.name = name
        self.integerType = integerType
        self.textType = textType
        self.blobType = blobType
        self.randomID = randomID
        self.tableSuffix = tableSuffix
        self.takingFreeRow = takingFreeRow
        self.keepingRows = keepingRows
        self.currentTime = currentTime
        self.notification = notification
        self.tablesNamed = tablesNamed
        self.placeholders = placeholders
    }
}
