import WitanAccess
package import WitanCore
package import WitanResources
package import WitanStorage

/// What a resource does that its declaration cannot say: functions that the engine calls at fixed points.
package struct ResourceRules: Sendable {
    /// A row that is about to be inserted.
    package struct Creation: Sendable {
        /// The values of its fields; the id and the time are set.
        package var record: Record

        /// Columns that no member shows.
        package var hidden: [(column: String, value: SQLValue)] = []

        /// Members that the answer to this one call has besides the record's.
        package var revealed: [(name: String, value: String)] = []
    }

    /// A change inside its transaction.
    package struct Change {
        /// Create, replace, patch or delete.
        package let operation: Resource.Operation

        /// The object as it is before the change; of a create as it will be.
        package let record: Record

        /// What the body says; nil for a deletion.
        package let draft: Draft?

        /// Who makes it.
        package let caller: Caller

        /// What they may do.
        package let access: Access

        /// The organization that it happens in.
        package let organizationID: ObjectID

        /// The transaction.
        package let connection: any SQLConnection
    }

    /// Refuses an operation to a caller, by throwing, before anything is read.
    package var authorize: @Sendable (Resource.Operation, Caller) throws -> Void

    /// Completes a row before it is inserted, or before it replaces another.
    package var prepare: @Sendable (inout Creation) throws -> Void

    /// Refuses a change by throwing, before it is written and after the caller's permission was checked.
    package var check: @Sendable (Change) throws -> Void

    /// Does what belongs to a change after it is written, and says what caches rest on it; may still refuse it.
    package var finish: @Sendable (Change, inout AccessChanges) throws -> Void

    /// Rules; those that are not given do nothing.
    package init(
        authorize: @escaping @Sendable (Resource.Operation, Caller) throws -> Void = { _, _ in },
        prepare: @escaping @Sendable (inout Creation) throws -> Void = { _ in },
        check: @escaping @Sendable (Change) throws -> Void = { _ in },
        finish: @escaping @Sendable (Change, inout AccessChanges) throws -> Void = { _, _ in }
    ) {
        self.authorize = authorize
        self.prepare = prepare
        self.check = check
        self.finish = finish
    }
}

extension ResourceRules.Change {
    /// The items that a list gets by the change, but for those that it has.
    package func added(to field: FieldSpec) -> [FieldValue] {
        guard let draft else { return [] }
        var items = draft.additions.filter { $0.field == field }.flatMap(\.items)
        if case .list(let all)? = draft.values.first(where: { $0.field == field })?.value { items += all }
        let present: Set<FieldValue> = operation == .create ? [] : Set(record.items(of: field))
        return items.filter { !present.contains($0) }
    }

    /// The items that a list loses by the change.
    package func removed(from field: FieldSpec) -> [FieldValue] {
        switch operation {
        case .delete:
            return record.items(of: field)
        case .replace:
            var kept: Set<FieldValue> = []
            if case .list(let items)? = draft?.values.first(where: { $0.field == field })?.value { kept = Set(items) }
            return record.items(of: field).filter { !kept.contains($0) }
        default:
            return draft?.removals.filter { $0.field == field }.flatMap(\.items) ?? []
        }
    }
}

extension Record {
    fileprivate func items(of field: FieldSpec) -> [FieldValue] {
        if case .list(let items) = self[name: field.name] { items } else { [] }
    }
}
