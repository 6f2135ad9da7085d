package import WitanResources
package import WitanStorage

/// What a resource does that its declaration cannot say: functions that the engine calls at fixed points.
package struct ResourceRules: Sendable {
    /// A row that is about to be inserted.
    package struct Creation: Sendable {
        /// The values of its fields; the id, the time and the owners are set.
        package var record: Record

        /// Columns that no member shows.
        package var hidden: [(column: String, value: SQLValue)] = []

        /// Members that the answer to this one call has besides the record's.
        package var revealed: [(name: String, value: String)] = []
    }

    /// Refuses an operation to a caller, by throwing.
    package var authorize: @Sendable (Resource.Operation, Caller) throws -> Void

    /// Completes a row before it is inserted.
    package var prepare: @Sendable (inout Creation) throws -> Void

    /// Learns of a change after it is durable and before it is answered.
    package var didCommit: @Sendable (Resource.Operation, Record) -> Void

    /// Rules; those that are not given do nothing.
    package init(
        authorize: @escaping @Sendable (Resource.Operation, Caller) throws -> Void = { _, _ in },
        prepare: @escaping @Sendable (inout Creation) throws -> Void = { _ in },
        didCommit: @escaping @Sendable (Resource.Operation, Record) -> Void = { _, _ in }
    ) {
        self.authorize = authorize
        self.prepare = prepare
        self.didCommit = didCommit
    }
}
