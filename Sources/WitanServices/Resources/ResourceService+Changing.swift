package import WitanCore
package import WitanJSON
package import WitanResources
import WitanStorage

extension ResourceService {
    /// Changes the members that the body has; objects are merged, and `null` says what null means.
    package func patch(
        _ id: ObjectID,
        _ body: JSONValue,
        null: Draft.NullMeaning = .keep,
        for caller: Caller
    ) async throws -> Record {
        try await auditingRefusals(of: .patch, id, for: caller) {
            try rules.authorize(.patch, caller)
            let draft = try Draft(body: body, for: .patch, of: resource, null: null)
            return try await accessControl.commit { connection, changes in
                let access = try access(of: caller, for: .patch, on: connection)
                return try patch(id, draft, for: caller, access, &changes, on: connection)
            }
        }
    }

    /// Deletes an object and returns it as it was, or with the time of its deletion when it is only hidden.
    package func delete(_ id: ObjectID, for caller: Caller) async throws -> Record {
        try await auditingRefusals(of: .delete, id, for: caller) {
            try rules.authorize(.delete, caller)
            return try await accessControl.commit(concurrency(of: .delete)) { connection, changes in
                let access = try access(of: caller, for: .delete, on: connection)
                guard let record = try store.get(id, on: connection),
                    try isAllowed(.delete, on: record, access, in: .writing, on: connection),
                    let deleted = try delete(record, for: caller, access, &changes, on: connection)
                else {
                    // Also of what is there: how long a refusal takes must not tell.
                    changes.wasDoneBefore = true
                    throw missingAccess(.delete, id)
                }
                return deleted
            }
        }
    }

    /// Deletes the object that a body names by its id or by its content.
    package func delete(_ body: JSONValue, for caller: Caller) async throws -> Record {
        switch resource.deletionBody {
        case .id:
            return try await delete(try Self.id(of: body), for: caller)
        case .content:
            return try await auditingRefusals(of: .delete, about: [body], for: caller) {
                try rules.authorize(.delete, caller)
                let draft = try Draft(body: body, for: .create, of: resource)
                return try await accessControl.commit { connection, changes in
                    let access = try access(of: caller, for: .delete, on: connection)
                    guard let record = try named(by: draft, access, on: connection),
                        let deleted = try delete(record, for: caller, access, &changes, on: connection)
                    else {
                        changes.wasDoneBefore = true
                        throw Failure(.forbidden, "There is no \(resource.name) of that content.")
                    }
                    return deleted
                }
            }
        case nil:
            throw Failure.bug("\(resource.name) has no deletion by its body")
        }
    }

    /// Makes and deletes objects by their content, all of it or nothing; what is there already, or is not, is left so.
    package func update(
        adding additions: [JSONValue],
        removing removals: [JSONValue],
        for caller: Caller
    ) async throws -> (added: [Record], removed: [Record]) {
        try await auditingRefusals(of: .patch, about: additions + removals, for: caller) {
            if !removals.isEmpty { try rules.authorize(.delete, caller) }
            let requests = try additions.map { body in
                try creation(.create, body, in: Identity.Selector(), for: caller)
            }
            let drafts = try removals.map { try Draft(body: $0, for: .create, of: resource) }
            return try await accessControl.commit { connection, changes in
                let access = try access(of: caller, for: .create, on: connection)
                var added: [Record] = []
                for request in requests {
                    let created = try create(request, for: caller, access, &changes, on: connection)
                    if !created.wasFound { added.append(created.record) }
                }
                var removed: [Record] = []
                for draft in drafts {
                    guard let record = try named(by: draft, access, on: connection),
                        let deleted = try delete(record, for: caller, access, &changes, on: connection)
                    else {
                        changes.wasDoneBefore = true
                        continue
                    }
                    removed.append(deleted)
                }
                return (added, removed)
            }
        }
    }

    /// The object of a content, if there is one and the caller may delete it.
    func named(by draft: Draft, _ access: Access, on connection: any SQLConnection) throws -> Record? {
        var record = Record(fields: resource.fields)
        for (field, value) in draft.values { record[name: field.name] = value }
        var creation = ResourceRules.Creation(record: record)
        try rules.prepare(&creation)
        let request = Request(
            draft: draft,
            creation: creation,
            organizationID: nil,
            renewed: []
        )
        let object = try container(of: request, for: .delete, on: connection)
        try require(.delete, in: object, access, on: connection)
        return try existing(like: record, on: connection)
    }

    func patch(
        _ id: ObjectID,
        _ draft: Draft,
        for caller: Caller,
        _ access: Access,
        _ changes: inout AccessChanges,
        on connection: any SQLConnection
    ) throws -> Record {
        guard let record = try store.get(id, on: connection),
            try isAllowed(.patch, on: record, access, in: .writing, on: connection)
        else { throw missingAccess(.patch, id) }
        let object = try target(of: record, for: .patch)
        guard !draft.isEmpty else { return record }
        try requireReferences(of: draft, in: object.organizationID, on: connection)
        let change = ResourceRules.Change(
            operation: .patch,
            record: record,
            draft: draft,
            caller: caller,
            access: access,
            organizationID: object.organizationID,
            connection: connection
        )
        try rules.check(change)
        let values = draft.values.map { field, value in
            (field, value.merged(into: record[name: field.name], null: draft.null))
        }
        var wanted = record
        for (field, value) in values { wanted[name: field.name] = value }
        guard try shared(like: wanted, on: connection) == nil else {
            throw Failure(.conflict, "There is a \(resource.name) of that name already; choose another.")
        }
        try store.update(id, setting: values, on: connection)
        for (field, items) in draft.removals {
            try store.remove(items, from: field, of: id, on: connection)
        }
        for (field, items) in draft.additions { try store.add(items, to: field, of: id, on: connection) }
        let changed = try reread(id, on: connection)
        try audit.append(
            .patch,
            resource,
            changed,
            object.organizationID,
            caller,
            details: details(draft),
            on: connection
        )
        try rules.finish(change, &changes)
        return changed
    }

    /// Deletes what was just read; nil when somebody else's transaction has done so since.
    func delete(
        _ record: Record,
        for caller: Caller,
        _ access: Access,
        _ changes: inout AccessChanges,
        on connection: any SQLConnection
    ) throws -> Record? {
        var record = record
        guard let id = record.id else { throw Failure.bug("A \(resource.name) has no id") }
        let object = try target(of: record, for: .delete)
        let change = ResourceRules.Change(
            operation: .delete,
            record: record,
            draft: nil,
            caller: caller,
            access: access,
            organizationID: object.organizationID,
            connection: connection
        )
        try rules.check(change)
        let now = time.now().truncatedToMilliseconds
        guard try store.delete(id, at: now, on: connection) else { return nil }
        if case .soft(let field) = resource.deletion { record[name: field] = .timestamp(now) }
        try audit.append(.delete, resource, record, object.organizationID, caller, on: connection)
        try rules.finish(change, &changes)
        return record
    }
}
