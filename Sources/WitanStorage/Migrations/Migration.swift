/// One step from a schema to the next; never changed once it is released.
///
/// A migration holds its SQL itself and reads no resource's declaration, which will change after it.
package struct Migration: Sendable {
    /// Its place in the order, from 1, without gaps.
    package let number: Int

    /// What it does, in a few words.
    package let name: String

    /// Its statements for an engine, in order.
    package let statements: @Sendable (SQLDialect) -> [SQLQuery]

    /// Makes a step.
    package init(_ number: Int, _ name: String, statements: @escaping @Sendable (SQLDialect) -> [SQLQuery]) {
        self.number = number
        self.name = name
        self.statements = statements
    }

    /// Every step that this version knows.
    package static let all: [Migration] = [.accounts, .apiKeys, .auditLog, .accessControl, .auditDetails]
}
