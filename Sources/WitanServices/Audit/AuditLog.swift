package import WitanAccess
package import WitanCore
package import WitanJSON
package import WitanResources
package import WitanStorage

/// Writes what callers did, and what they were refused, into the audit log (design: key service, section 7).
///
/// An event's type is a noun and a deed: `api_key.created`, and likewise `read`, `updated` and `deleted`. Its actor is
/// who really did it; an owner's acts as somebody else name that person besides.
package struct AuditLog: Sendable {
    private let store: AuditStore
    private let refusals: RefusalSampler
    private let ids: ObjectIDGenerator
    private let time: TimeSource

    /// Takes the key that the rows are chained with, and the limits of what is written of refusals.
    ///
    /// Copies of a log count refusals together; a process has one log.
    package init(key: AuditKey, ids: ObjectIDGenerator, time: TimeSource, limits: Limits = Limits()) {
        store = AuditStore { key.authenticationCode(for: $0) }
        refusals = RefusalSampler(limits: limits, time: time)
        self.ids = ids
        self.time = time
    }

    // MARK: Changes

    /// Tells of a change to a resource's object, in the transaction of the change.
    ///
    /// `details` say what was changed, and never hold a secret.
    package func append(
        _ operation: Resource.Operation,
        _ resource: Resource,
        _ record: Record,
        _ organization: ObjectID?,
        _ caller: Caller,
        details: JSONObject? = nil,
        on connection: any SQLConnection
    ) throws(Failure) {
        var name: String?
        if case .text(let text) = record[name: "name"] { name = text }
        try append(
            Self.type(operation, resource),
            objectType: resource.name,
            objectID: record.id,
            objectName: name,
            in: organization,
            by: caller,
            details: details,
            on: connection
        )
    }

    /// Tells of a change that is no operation of a resource's, such as `org_member.created`, in its transaction.
    ///
    /// `details` say what was changed, and never hold a secret.
    package func append(
        _ type: String,
        objectType: String,
        objectID: ObjectID?,
        objectName: String?,
        in organization: ObjectID?,
        by caller: Caller,
        details: JSONObject? = nil,
        on connection: any SQLConnection
    ) throws(Failure) {
        let object = (type: objectType, id: objectID, name: objectName)
        try store.append(event(type, .success, object, in: organization, by: caller, details: details), on: connection)
    }

    /// Tells that somebody was given a token of the server's own, in each of their organizations.
    package func recordSignIn(of account: Account, by caller: Caller, in database: any SQLDatabase) async throws {
        try await database.write(.concurrent) { connection in
            try appendSession("created", account.userID, of: account, by: caller, on: connection)
        }
    }

    /// Tells in each of a person's organizations that a session of theirs has begun or ended.
    func appendSession(
        _ deed: String,
        _ id: ObjectID,
        of account: Account,
        by caller: Caller,
        details: JSONObject? = nil,
        on connection: any SQLConnection
    ) throws(Failure) {
        for membership in account.memberships {
            try append(
                "session.\(deed)",
                objectType: "session",
                objectID: id,
                objectName: account.email,
                in: membership.organizationID,
                by: caller,
                details: details,
                on: connection
            )
        }
    }

    // MARK: Refusals

    /// Tells of an operation on a resource's object that was refused.
    package func recordRefusal(
        of operation: Resource.Operation,
        _ resource: Resource,
        object id: ObjectID?,
        in organization: ObjectID?,
        for caller: Caller,
        in database: any SQLDatabase
    ) async throws {
        try await recordRefusal(
            Self.type(operation, resource),
            objectType: resource.name,
            objectID: id,
            in: organization,
            by: caller,
            in: database
        )
    }

    /// Tells of what was refused for want of a right; above a rate it is counted, and the count written later.
    ///
    /// The first `Limits.refusalsPerWindow` of the same person, deed and organization in a window are rows when this
    /// returns. The others become one row that names the last of them, when the window is over: with the next refusal
    /// of the kind, or by `flushRefusals`.
    package func recordRefusal(
        _ type: String,
        objectType: String,
        objectID: ObjectID?,
        in organization: ObjectID?,
        by caller: Caller,
        in database: any SQLDatabase
    ) async throws {
        let event = event(type, .denied, (objectType, objectID, nil), in: organization, by: caller)
        guard case .write(let ended) = refusals.admit(event) else { return }
        try await database.write(.concurrent) { [store] connection in
            if let ended { try store.appendIfMissing(ended, on: connection) }
            try store.append(event, on: connection)
        }
        if let ended { refusals.didWrite([ended]) }
    }

    /// Tells of what was refused as `recordRefusal` does, but with the next `flushRefusals`: the answer must not take
    /// longer when there is something to be told.
    package func noteRefusal(
        _ type: String,
        objectType: String,
        objectID: ObjectID?,
        in organization: ObjectID?,
        by caller: Caller,
        details: JSONObject,
        in database: any SQLDatabase
    ) async throws {
        let object = (type: objectType, id: objectID, name: nil as String?)
        let event = event(type, .denied, object, in: organization, by: caller, details: details)
        guard !refusals.note(event) else { return }
        try await database.write(.concurrent) { [store] in try store.append(event, on: $0) }
    }

    /// Writes the refusals that were noted and the counts of those whose window is over; to be called every
    /// `Limits.refusalFlushInterval`.
    ///
    /// What cannot be written is kept, and is written once even if the failed transaction was committed. With
    /// `endingAllWindows` counts of open windows are written too, for a server that has stopped.
    package func flushRefusals(in database: any SQLDatabase, endingAllWindows: Bool = false) async throws {
        while true {
            let counts = refusals.due(endingAllWindows: endingAllWindows, limit: Self.rowsPerWrite)
            guard !counts.isEmpty else { return }
            try await database.write(.concurrent) { [store] connection in
                for count in counts { try store.appendIfMissing(count, on: connection) }
            }
            refusals.didWrite(counts)
        }
    }

    private static let rowsPerWrite = 100

    // MARK: Checking

    /// Reads the whole log and says what is wrong with it.
    package func verify(in database: any SQLDatabase) async throws -> AuditStore.Report {
        var (report, chains) = try await database.read { [store] connection in
            var report = AuditStore.Report()
            let chains = try store.chains(into: &report, on: connection)
            return (report, chains)
        }
        for chain in chains {
            var position: (position: Int64, mac: [UInt8])? = (0, [])
            while let start = position {
                let found = report
                (report, position) = try await database.read { [store] connection in
                    var report = found
                    let next = try store.verify(
                        chain,
                        after: start,
                        limit: Self.rowsPerRead,
                        into: &report,
                        on: connection
                    )
                    return (report, next)
                }
            }
        }
        return report
    }

    private static let rowsPerRead = 1_000

    // MARK: Events

    private func event(
        _ type: String,
        _ outcome: AuditEvent.Outcome,
        _ object: (type: String, id: ObjectID?, name: String?),
        in organization: ObjectID?,
        by caller: Caller,
        details: JSONObject? = nil
    ) -> AuditEvent {
        let identity = caller.identity
        // Whoever runs a command on the server's data is known to the operating system, not to Witan.
        // So is whoever failed to sign in as somebody.
        let isKnown = ![.commandLine, .none].contains(identity.authentication)
        let actor = isKnown ? identity.impersonator ?? identity.account : nil
        let impersonated = identity.impersonator == nil ? nil : identity.account
        return AuditEvent(
            id: ids.next(),
            created: time.now().truncatedToMilliseconds,
            type: type,
            outcome: outcome,
            organizationID: organization,
            actorID: actor?.userID,
            actorEmail: actor?.email,
            authentication: identity.authentication.rawValue,
            credentialID: identity.keyID,
            objectType: object.type,
            objectID: object.id,
            // What people call their objects, and what they send, may hold a key by mistake.
            objectName: object.name.map(SecretRedactor.redact),
            clientAddress: caller.origin.clientAddress,
            userAgent: caller.origin.userAgent,
            traceID: caller.origin.traceID,
            impersonatedID: impersonated?.userID,
            impersonatedEmail: impersonated?.email,
            details: details.map(Self.redacted)
        )
    }

    private static func redacted(_ object: JSONObject) -> JSONObject {
        guard case .object(let object) = redacted(.object(object)) else { return object }
        return object
    }

    private static func redacted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(SecretRedactor.redact(text))
        case .array(let elements): .array(elements.map(redacted))
        case .object(let object):
            .object(
                object.members.reduce(into: JSONObject()) { $0[SecretRedactor.redact($1.name)] = redacted($1.value) }
            )
        default: value
        }
    }

    private static func type(_ operation: Resource.Operation, _ resource: Resource) -> String {
        let deed =
            switch operation {
            case .list, .get: "read"
            case .create: "created"
            case .replace, .patch: "updated"
            case .delete: "deleted"
            }
        return "\(resource.name).\(deed)"
    }
}
