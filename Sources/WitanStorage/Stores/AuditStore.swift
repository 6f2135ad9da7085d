package import WitanCore

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

    /// Appends a row unless it is there already: one whose transaction failed, but may have been committed all the same.
    package func appendIfMissing(_ event: AuditEvent, on connection: any SQLConnection) throws(Failure) {
        guard try connection.row("SELECT 1 FROM audit_events WHERE id = \(event.id)") == nil else { return }
        try append(event, on: connection)
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
        let columns = AuditEvent.originalColumns + AuditEvent.laterColumns
        let marks = Array(repeating: "?", count: columns.count + 3).joined(separator: ", ")
        return "INSERT INTO audit_events (chain, position, mac, \(AuditEvent.columnList.text)) VALUES (\(marks))"
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
            SELECT position, mac, \(AuditEvent.columnList) FROM audit_events
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
        let originals = AuditEvent.originalColumns.count
        for column in columns.prefix(originals) { message.add(column) }
        // By name, and not as nulls, so that the codes of rows from before these columns stay what they were.
        for (name, column) in zip(AuditEvent.laterColumns, columns.dropFirst(originals)) where column != .null {
            message.add(.text(name))
            message.add(column)
        }
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
