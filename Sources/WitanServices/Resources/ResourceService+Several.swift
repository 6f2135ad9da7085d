import Synchronization
package import WitanCore
package import WitanJSON
package import WitanResources
import WitanStorage

// What is done to several objects at once is one change: all of it or nothing, and one wait for other servers.
extension ResourceService {
    /// Changes several objects in their order, each as its body says: all of them, or nothing when one is refused.
    package func patch(
        _ bodies: [(id: ObjectID, body: JSONValue)],
        null: Draft.NullMeaning = .keep,
        for caller: Caller
    ) async throws -> [Record] {
        let current = Current()
        do {
            try rules.authorize(.patch, caller)
            let drafts = try bodies.map { ($0.id, try Draft(body: $0.body, for: .patch, of: resource, null: null)) }
            return try await accessControl.commit { connection, changes in
                let access = try access(of: caller, for: .patch, on: connection)
                return try drafts.map { id, draft in
                    current.id.withLock { $0 = id }
                    return try patch(id, draft, for: caller, access, &changes, on: connection)
                }
            }
        } catch let failure as Failure where failure.code == .forbidden {
            try await recordRefusal(of: .patch, current.id.withLock(\.self), for: caller)
            throw failure
        }
    }

    /// Deletes those of several objects that are there and that the caller may delete, and returns them as they were.
    ///
    /// Of the others each is refused, as it would be by itself, and the log tells of it.
    package func delete(_ ids: Set<ObjectID>, for caller: Caller) async throws -> [Record] {
        let deleted = try await auditingRefusals(of: .delete, for: caller) {
            try rules.authorize(.delete, caller)
            return try await accessControl.commit(concurrency(of: .delete)) { connection, changes in
                let access = try access(of: caller, for: .delete, on: connection)
                var deleted: [Record] = []
                // In one order, so that no two of these wait for each other.
                for id in ids.sorted() {
                    guard let record = try store.get(id, on: connection),
                        try isAllowed(.delete, on: record, access, in: .writing, on: connection),
                        let gone = try delete(record, for: caller, access, &changes, on: connection)
                    else {
                        changes.wasDoneBefore = true
                        continue
                    }
                    deleted.append(gone)
                }
                return deleted
            }
        }
        for id in ids.subtracting(deleted.compactMap(\.id)).sorted() {
            try await recordRefusal(of: .delete, id, for: caller)
        }
        return deleted
    }

    /// The one of several objects that is being changed.
    private final class Current: Sendable {
        let id = Mutex<ObjectID?>(nil)
    }
}
