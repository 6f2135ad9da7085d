package import WitanCore

/// What happened, who did it, to what, when and from where.
package struct AuditEvent: Sendable, Hashable {
    /// Whether it was done or refused.
    package enum Outcome: String, Sendable {
        case success
        case denied
    }

    /// The event's own id.
    package let id: ObjectID

    /// When it happened.
    package let created: Timestamp

    /// The noun and the deed: `api_key.created`.
    package let type: String

    /// Whether it was done or refused.
    package let outcome: Outcome

    /// The organization that it happened in; nil when it belongs to none.
    package let organizationID: ObjectID?

    /// The person who did it; nil for a command on the data.
    package let actorID: ObjectID?

    /// That person's e-mail address at the time.
    package let actorEmail: String?

    /// How the actor was authenticated: `api_key`, `token`, `session` or `command_line`.
    package let authentication: String

    /// The id of the key that was used.
    package let credentialID: ObjectID?

    /// The noun of what it was done to: `api_key`.
    package let objectType: String

    /// The id of what it was done to; nil when nothing came of it.
    package let objectID: ObjectID?

    /// The name of what it was done to, at the time.
    package let objectName: String?

    /// The client's address, as the trusted proxies tell it.
    package let clientAddress: String?

    /// The header `User-Agent` of the request.
    package let userAgent: String?

    /// The request's trace id, which its log line and its answer carry too.
    package let traceID: String?

    /// Describes an event.
    package init(
        id: ObjectID,
        created: Timestamp,
        type: String,
        outcome: Outcome,
        organizationID: ObjectID?,
        actorID: ObjectID?,
        actorEmail: String?,
        authentication: String,
        credentialID: ObjectID?,
        objectType: String,
        objectID: ObjectID?,
        objectName: String?,
        clientAddress: String?,
        userAgent: String?,
        traceID: String?
    ) {
        self.id = id
        self.created = created
        self.type = type
        self.outcome = outcome
        self.organizationID = organizationID
        self.actorID = actorID
        self.actorEmail = actorEmail
        self.authentication = authentication
        self.credentialID = credentialID
        self.objectType = objectType
        self.objectID = objectID
        self.objectName = objectName
        self.clientAddress = clientAddress
        self.userAgent = userAgent
        self.traceID = traceID
    }

    fileprivate var columns: [SQLValue] {
        func text(_ value: String?) -> SQLValue { value.map(SQLValue.text) ?? .null }
        return [
            .text(id.description), .integer(created.microseconds), .text(type), .text(outcome.rawValue),
            text(organizationID?.description), text(actorID?.description), text(actorEmail), .text(authentication),
            text(credentialID?.description), .text(objectType), text(objectID?.description), text(objectName),
            text(clientAddress), text(userAgent), text(traceID),
        ]
    }

    fileprivate static let columnNames: SQLQuery = """
        id, created, event_type, outcome, org_id, actor_id, actor_email, authentication, credential_id, object_type, \
        object_id, object_name, client_address, user_agent, trace_id
        """
}

/// Appends to the audit log and checks it.
///
/// The rows of a chain are bound to each other: each holds the HMAC-SHA256 of its own columns and of the row before, so
/// a row that is changed, removed or put in between breaks the chain. A seal over the last row, made under the same key,
/// shows that rows were cut off at the end. There is a chain per writing process, so that writers do not wait for
/// each other; with SQLite there is one.
package struct AuditStore: Sendable {
    /// The result of a check.
    package struct Report: Sendable, Hashable {
        /// How many rows were read.
        package var rows = 0

        /// What is wrong, a sentence each; empty when nothing is.
        package var problems: [String] = []

        /// A check that has read nothing yet.
        package init() {}
    }

    private let chain: String
    private let authenticate: @Sendable ([UInt8]) -> [UInt8]

    /// Takes the chain to append to and HMAC-SHA256 under the audit key.
    package init(chain: String = "main", authenticate: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        self.chain = chain
        self.authenticate = authenticate
    }

    /// Appends a row, in the transaction of what it tells of.
    ///
    /// The end of the chain is read once, and written and sealed once, for all transactions that share a commit.
    package func append(_ event: AuditEvent, on connection: any SQLConnection) throws(Failure) {
        let end = try end(on: connection)
        let position = end.position + 1
        let columns = event.columns
        let mac = mac(position: position, columns: columns, previous: end.mac)
        try connection.run(
            SQLQuery(text: Self.insertion, arguments: [.text(chain), .integer(position), .blob(mac)] + columns)
        )
        connection.setPendingChange(pendingName, End(store: self, position: position, mac: mac))
    }

    /// The last row of a chain, to be sealed.
    private struct End: PendingChange {
        let store: AuditStore
        let position: Int64
        let mac: [UInt8]

        func write(on connection: any SQLConnection) throws(Failure) {
            let seal = store.seal(position: position, mac: mac)
            try connection.run(
                """
                INSERT INTO audit_chains (chain, position, mac, seal)
                VALUES (\(store.chain), \(SQLValue.integer(position)), \(mac), \(seal))
                ON CONFLICT (chain) DO UPDATE
                SET position = excluded.position, mac = excluded.mac, seal = excluded.seal
                """
            )
        }
    }

    private func end(on connection: any SQLConnection) throws(Failure) -> End {
        if let end = connection.pendingChange(pendingName) as? End { return end }
        guard let row = try connection.row("SELECT position, mac FROM audit_chains WHERE chain = \(chain)") else {
            return End(store: self, position: 0, mac: [])
        }
        return End(store: self, position: try row.integer(0), mac: try row.blob(1))
    }

    private var pendingName: String { "audit chain \(chain)" }

    private static let insertion: String = {
        let columns = AuditEvent.columnNames.text
        let count = columns.split(separator: ",").count + 3
        let marks = Array(repeating: "?", count: count).joined(separator: ", ")
        return "INSERT INTO audit_events (chain, position, mac, \(columns)) VALUES (\(marks))"
    }()

    /// The time of the latest row of any chain; nil for an empty log.
    package static func latest(on connection: any SQLConnection) throws(Failure) -> Timestamp? {
        guard
            let row = try connection.row(
                """
                SELECT MAX(e.created) FROM audit_chains AS c
                JOIN audit_events AS e ON e.chain = c.chain AND e.position = c.position
                """
            ), row[0] != .null
        else { return nil }
        return try row.timestamp(0)
    }

    /// Checks up to `limit` rows after a position, given the MAC there, and returns where it stopped; nil at the end.
    package func verify(
        after start: (position: Int64, mac: [UInt8]),
        limit: Int,
        into report: inout Report,
        on connection: any SQLConnection
    ) throws(Failure) -> (position: Int64, mac: [UInt8])? {
        var current = start
        let rows = try connection.rows(
            """
            SELECT position, mac, \(AuditEvent.columnNames) FROM audit_events
            WHERE chain = \(chain) AND position > \(SQLValue.integer(start.position)) ORDER BY position LIMIT \(limit)
            """
        )
        for row in rows {
            let position = try row.integer(0)
            let stored = try row.blob(1)
            if position != current.position + 1 {
                report.problems.append("Rows \(current.position + 1) to \(position - 1) of the audit log are missing.")
            }
            let expected = mac(position: position, columns: Array(row.values.dropFirst(2)), previous: current.mac)
            if expected != stored, position == current.position + 1 {
                report.problems.append("Row \(position) of the audit log, or the one before it, was changed.")
            }
            report.rows += 1
            current = (position, stored)
        }
        if rows.count == limit { return current }
        try verifyEnd(current, into: &report, on: connection)
        return nil
    }

    private func verifyEnd(
        _ end: (position: Int64, mac: [UInt8]),
        into report: inout Report,
        on connection: any SQLConnection
    ) throws(Failure) {
        guard let row = try connection.row("SELECT position, seal FROM audit_chains WHERE chain = \(chain)") else {
            if end.position > 0 { report.problems.append("The seal at the end of the audit log is missing.") }
            return
        }
        let position = try row.integer(0)
        if position > end.position {
            report.problems.append("Rows \(end.position + 1) to \(position) at the end of the audit log are missing.")
        } else if try row.blob(1) != seal(position: end.position, mac: end.mac) {
            report.problems.append("The seal at the end of the audit log does not fit its last row.")
        }
    }

    private func mac(position: Int64, columns: [SQLValue], previous: [UInt8]) -> [UInt8] {
        var message = Message(label: "witan audit row")
        message.add(.text(chain))
        message.add(.integer(position))
        for column in columns { message.add(column) }
        message.add(.blob(previous))
        return authenticate(message.bytes)
    }

    private func seal(position: Int64, mac: [UInt8]) -> [UInt8] {
        var message = Message(label: "witan audit end")
        message.add(.text(chain))
        message.add(.integer(position))
        message.add(.blob(mac))
        return authenticate(message.bytes)
    }
}

/// Values one after another, each with its kind and length, so that no two lists of values give the same bytes.
private struct Message {
    private(set) var bytes: [UInt8]

    init(label: String) {
        bytes = Array(label.utf8)
        bytes.reserveCapacity(512)
    }

    mutating func add(_ value: SQLValue) {
        switch value {
        case .null: add(kind: 0, [])
        case .integer(let integer): add(kind: 1, withUnsafeBytes(of: integer.bigEndian, Array.init))
        case .real(let real): add(kind: 2, withUnsafeBytes(of: real.bitPattern.bigEndian, Array.init))
        case .text(let text): add(kind: 3, text.utf8)
        case .blob(let blob): add(kind: 4, blob)
        }
    }

    private mutating func add(kind: UInt8, _ content: some Collection<UInt8>) {
        bytes.append(kind)
        withUnsafeBytes(of: UInt64(content.count).bigEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: content)
    }
}
