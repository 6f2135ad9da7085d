/// One step from a schema to the next; never changed once it is released.
///
/// A migration holds its SQL itself and reads no resource's declaration, which will change after it.
package struct Migration: Sendable {
    /// Its place in the order, from 1, without gaps.
    package let number: Int

    /// What it does, in a few words.
    package let name: String

    /// The step that a version must know at least to serve from the schema after this one.
    ///
    /// Its own number, unless it only adds what versions before it need not know: then servers of those versions go on
    /// beside newer ones, and an upgrade needs no pause.
    package let oldestServing: Int

    /// Its statements for an engine, in order.
    package let statements: @Sendable (SQLDialect) -> [SQLQuery]

    /// Makes a step.
    package init(
        _ number: Int,
        _ name: String,
        oldestServing: Int? = nil,
        statements: @escaping @Sendable (SQLDialect) -> [SQLQuery]
    ) {
        self.number = number
        self.name = name
        self.oldestServing = oldestServing ?? number
        self.statements = statements
    }

    /// Every step that this version knows.
    package static let all: [Migration] = [
        .accounts, .apiKeys, .auditLog, .accessControl, .auditDetails, .cluster, .signIn,
    ]
}
