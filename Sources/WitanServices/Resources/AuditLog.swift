package import WitanAccess
package import WitanCore
package import WitanResources
package import WitanStorage

/// Writes what callers did into the audit log (design: key service, section 7).
package struct AuditLog: Sendable {
    private let store: AuditStore
    private let ids: ObjectIDGenerator
    private let time: TimeSource

    /// Takes the key that the rows are chained with.
    package init(key: AuditKey, ids: ObjectIDGenerator, time: TimeSource) {
        store = AuditStore { key.authenticationCode(for: $0) }
        self.ids = ids
        self.time = time
    }

    /// Tells of a change, in the transaction of the change.
    package func append(
        _ operation: Resource.Operation,
        _ resource: Resource,
        _ record: Record,
        _ organization: ObjectID?,
        _ caller: Caller,
        on connection: any SQLConnection
    ) throws(Failure) {
        var name: String?
        if case .text(let text) = record[name: "name"] { name = text }
        let event = event(
            operation,
            resource,
            outcome: .success,
            organization: organization,
            object: record.id,
            name: name,
            caller
        )
        try store.append(event, on: connection)
    }

    /// Tells of a change that was refused.
    package func recordRefusal(
        of operation: Resource.Operation,
        _ resource: Resource,
        object id: ObjectID?,
        for caller: Caller,
        in database: any SQLDatabase
    ) async throws {
        let event = event(
            operation,
            resource,
            outcome: .denied,
            organization: caller.identity.memberships.first?.organizationID,
            object: id,
            name: nil,
            caller
        )
        try await database.write { [store] connection in try store.append(event, on: connection) }
    }

    /// Reads the whole log and says what is wrong with it.
    package func verify(in database: any SQLDatabase) async throws -> AuditStore.Report {
        var report = AuditStore.Report()
        var position: (position: Int64, mac: [UInt8])? = (0, [])
        while let start = position {
            let found = report
            (report, position) = try await database.read { [store] connection in
                var report = found
                let next = try store.verify(after: start, limit: Self.rowsPerRead, into: &report, on: connection)
                return (report, next)
            }
        }
        return report
    }

    private static let rowsPerRead = 1_000

    private func event(
        _ operation: Resource.Operation,
        _ resource: Resource,
        outcome: AuditEvent.Outcome,
        organization: ObjectID?,
        object: ObjectID?,
        name: String?,
        _ caller: Caller
    ) -> AuditEvent {
        // Whoever runs a command on the server's data is known to the operating system, not to Witan.
        let actor = caller.identity.authentication == .commandLine ? nil : caller.identity.account
        return AuditEvent(
            id: ids.next(),
            created: time.now(),
            type: "\(resource.name).\(Self.deed(operation))",
            outcome: outcome,
            organizationID: organization,
            actorID: actor?.userID,
            actorEmail: actor?.email,
            authentication: caller.identity.authentication.rawValue,
            credentialID: caller.identity.keyID,
            objectType: resource.name,
            objectID: object,
            objectName: name,
            clientAddress: caller.origin.clientAddress,
            userAgent: caller.origin.userAgent,
            traceID: caller.origin.traceID
        )
    }

    private static func deed(_ operation: Resource.Operation) -> String {
        switch operation {
        case .list, .get: "read"
        case .create: "created"
        case .replace, .patch: "updated"
        case .delete: "deleted"
        }
    }
}
