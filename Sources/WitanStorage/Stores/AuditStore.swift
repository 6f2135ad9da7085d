package import WitanCore

/// Appends to the audit log and checks it.
///
/// The rows of a chain are bound to each other: each holds the HMAC-SHA256 of its own columns and of the row before, so
/// a row that is changed, removed or put in between breaks the chain. A seal over the last row, made under the same key,
/// shows that rows were cut off at the end. Writers do not wait for each other: each transaction goes on with a chain
/// that no other is at just now, so there are as many chains as there ever were transactions at once. With SQLite
/// there is one, and all are named by number without a gap, so that one which is gone is missed.
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

    private let authenticate: @Sendable ([UInt8]) -> [UInt8]

    /// Takes HMAC-SHA256 under the audit key.
    package init(authenticate: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        self.authenticate = authenticate
    }

    /// Appends a row, in the transaction of what it tells of.
    ///
    /// The end of the chain is read once, and written and sealed once, for all transactions that share a commit.
    package func append(_ event: AuditEvent, on connection: any SQLConnection) throws(Failure) {
        let end = try end(on: connection)
        let position = end.position + 1
        let columns = event.columns
        let mac = mac(chain: end.chain, position: position, columns: columns, previous: end.mac)
        try connection.run(
            SQLQuery(text: Self.insertion, arguments: [.text(end.chain), .integer(position), .blob(mac)] + columns)
        )
        connection.setPendingChange(
            Self.pendingName,
            End(store: self, chain: end.chain, position: position, mac: mac)
        )
    }

    /// Appends a row unless it is there already: one whose transaction failed, but may have been committed all the same.
    package func appendIfMissing(_ event: AuditEvent, on connection: any SQLConnection) throws(Failure) {
        guard try connection.row("SELECT 1 FROM audit_events WHERE id = \(event.id)") == nil else { return }
        try append(event, on: connection)
    }

    /// The last row of a chain, to be sealed.
    private struct End: PendingChange {
        let store: AuditStore
        let chain: String
        let position: Int64
        let mac: [UInt8]

        func write(on connection: any SQLConnection) throws(Failure) {
            let seal = store.seal(chain: chain, position: position, mac: mac)
            try connection.run(
                """
                INSERT INTO audit_chains (chain, position, mac, seal)
                VALUES (\(chain), \(SQLValue.integer(position)), \(mac), \(seal))
                ON CONFLICT (chain) DO UPDATE
                SET position = excluded.position, mac = excluded.mac, seal = excluded.seal
                """
            )
        }
    }

    private func end(on connection: any SQLConnection) throws(Failure) -> End {
        if let end = connection.pendingChange(Self.pendingName) as? End { return end }
        let free = try connection.row(
            "SELECT chain, position, mac FROM audit_chains ORDER BY chain LIMIT 1\(raw: connection.dialect.takingFreeRow)"
        )
        if let free {
            return End(store: self, chain: try free.text(0), position: try free.integer(1), mac: try free.blob(2))
        }
        let count = try connection.row("SELECT COUNT(*) FROM audit_chains")?.integer(0) ?? 0
        return End(store: self, chain: try beginChain(after: Int(count), on: connection), position: 0, mac: [])
    }

    /// Begins a chain of the next number; where others begin one at the same time, whoever is second waits for the first
    /// and takes the number after it.
    private func beginChain(after count: Int, on connection: any SQLConnection) throws(Failure) -> String {
        var number = count
        while true {
            number += 1
            let chain = Self.chain(number: number)
            let isNew = try connection.run(
                """
                INSERT INTO audit_chains (chain, position, mac, seal)
                VALUES (\(chain), 0, \([] as [UInt8]), \([] as [UInt8])) ON CONFLICT DO NOTHING
                """
            )
            if isNew == 1 { return chain }
        }
    }

    /// The name of the first chain, of the second, and so on.
    private static func chain(number: Int) -> String { number == 1 ? "main" : "main-\(number)" }

    private static let pendingName = "audit chain"

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

    /// The chains that there are, or of which there is a row.
    ///
    /// One that is missed by its number becomes a problem of `report`.
    package func chains(into report: inout Report, on connection: any SQLConnection) throws(Failure) -> [String] {
        var chains = Set<String>()
        for row in try connection.rows("SELECT chain FROM audit_chains") { chains.insert(try row.text(0)) }
        var last = ""
        while let row = try connection.row("SELECT MIN(chain) FROM audit_events WHERE chain > \(last)"),
            let chain = try row.optionalText(0)
        {
            chains.insert(chain)
            last = chain
        }
        for number in 1..<(chains.count + 1) where !chains.contains(Self.chain(number: number)) {
            report.problems.append("A chain of the audit log is missing: \(Self.chain(number: number)).")
        }
        return chains.sorted()
    }

    /// Checks up to `limit` rows of a chain after a position, given the MAC there, and returns where it stopped; nil at
    /// the end.
    package func verify(
        _ chain: String,
        after start: (position: Int64, mac: [UInt8]),
        limit: Int,
        into report: inout Report,
        on connection: any SQLConnection
    ) throws(Failure) -> (position: Int64, mac: [UInt8])? {
        let log = Self.log(chain)
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
                report.problems.append("Rows \(current.position + 1) to \(position - 1) of \(log) are missing.")
            }
            let expected = mac(
                chain: chain,
                position: position,
                columns: Array(row.values.dropFirst(2)),
                previous: current.mac
            )
            if expected != stored, position == current.position + 1 {
                report.problems.append("Row \(position) of \(log), or the one before it, was changed.")
            }
            report.rows += 1
            current = (position, stored)
        }
        if rows.count == limit { return current }
        try verifyEnd(of: chain, current, into: &report, on: connection)
        return nil
    }

    /// What a sentence calls a chain; most people have one.
    private static func log(_ chain: String) -> String {
        chain == self.chain(number: 1) ? "the audit log" : "the audit log's chain \(chain)"
    }

    private func verifyEnd(
        of chain: String,
        _ end: (position: Int64, mac: [UInt8]),
        into report: inout Report,
        on connection: any SQLConnection
    ) throws(Failure) {
        guard let row = try connection.row("SELECT position, seal FROM audit_chains WHERE chain = \(chain)") else {
            if end.position > 0 { report.problems.append("The seal at the end of \(Self.log(chain)) is missing.") }
            return
        }
        let position = try row.integer(0)
        if position > end.position {
            report.problems.append(
                "Rows \(end.position + 1) to \(position) at the end of \(Self.log(chain)) are missing."
            )
        } else if try row.blob(1) != seal(chain: chain, position: end.position, mac: end.mac) {
            report.problems.append("The seal at the end of \(Self.log(chain)) does not fit its last row.")
        }
    }

    private func mac(chain: String, position: Int64, columns: [SQLValue], previous: [UInt8]) -> [UInt8] {
        var message = ValueEncoding(label: "witan audit row")
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

    private func seal(chain: String, position: Int64, mac: [UInt8]) -> [UInt8] {
        var message = ValueEncoding(label: "witan audit end")
        message.add(.text(chain))
        message.add(.integer(position))
        message.add(.blob(mac))
        return authenticate(message.bytes)
    }
}
