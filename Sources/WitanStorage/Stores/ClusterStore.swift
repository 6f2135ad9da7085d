package import WitanCore

/// The clock of changes, the events that tell other servers of them, and the servers that are there.
package struct ClusterStore: Sendable {
    /// Changes since those that a server has applied, as one snapshot has them.
    package struct Changes: Sendable, Hashable {
        /// An event and the number of the change that it belongs to.
        package struct Entry: Sendable, Hashable {
            /// The number of the change.
            package let sequence: Int64

            /// What the change has made wrong.
            package let event: ClusterEvent

            /// Gives an event its number.
            package init(_ sequence: Int64, _ event: ClusterEvent) {
                self.sequence = sequence
                self.event = event
            }
        }

        /// The number of the newest change.
        package var clock: Int64

        /// What changed, oldest first.
        package var entries: [Entry]

        /// Takes the clock and the events.
        package init(clock: Int64, entries: [Entry]) {
            self.clock = clock
            self.entries = entries
        }
    }

    /// Where commits are told of.
    package static let channel = "witan_changes"

    private let keepsEvents: Bool
    private let limits: Limits

    /// A store; where one server is alone, nobody reads events, and none are kept.
    package init(keepsEvents: Bool, limits: Limits = Limits()) {
        self.keepsEvents = keepsEvents
        self.limits = limits
    }

    // MARK: Changes

    /// Tells of a change, in its transaction; the number is there once that is committed.
    ///
    /// The clock is moved once for all transactions that share a commit, and as the last thing before it: whoever moves
    /// it holds its row until the commit, so that no number is seen before a smaller one.
    package func append(_ events: [ClusterEvent], on connection: any SQLConnection) -> ChangeNumber {
        var tick = connection.pendingChange(Tick.name) as? Tick ?? Tick(keepsEvents: keepsEvents, limits: limits)
        for event in events where tick.members.insert(event).inserted { tick.events.append(event) }
        connection.setPendingChange(Tick.name, tick)
        return tick.number
    }

    /// A step of the clock.
    private struct Tick: PendingChange {
        /// Sorts after the audit log's: what is written first must never wait for whoever waits for the clock.
        static let name = "cluster clock"

        let keepsEvents: Bool
        let limits: Limits
        let number = ChangeNumber()
        var events: [ClusterEvent] = []
        var members: Set<ClusterEvent> = []

        func write(on connection: any SQLConnection) throws(Failure) {
            guard let row = try connection.row("UPDATE cluster_clock SET seq = seq + 1 WHERE id = 1 RETURNING seq")
            else { throw ClusterStore.missingClock }
            let sequence = try row.integer(0)
            if keepsEvents {
                try insert(events.count > limits.eventsPerCommit ? [.everything] : events, sequence, on: connection)
                if let notification = connection.dialect.notification(ClusterStore.channel) {
                    _ = try connection.rows(notification)
                }
            }
            number.set(sequence)
        }

        private func insert(
            _ events: [ClusterEvent],
            _ sequence: Int64,
            on connection: any SQLConnection
        ) throws(Failure) {
            for start in stride(from: 0, to: events.count, by: Self.rowsPerStatement) {
                let end = min(start + Self.rowsPerStatement, events.count)
                let rows = (start..<end)
                    .map { position -> SQLQuery in
                        let event = events[position]
                        return "(\(SQLValue.integer(sequence)), \(position), \(event.kind), \(event.subject))"
                    }
                try connection.run(
                    """
                    INSERT INTO cluster_events (seq, position, kind, subject)
                    VALUES \(SQLQuery.joined(rows, separator: ", "))
                    """
                )
            }
        }

        private static let rowsPerStatement = 50
    }

    /// The number of the newest change.
    package func clock(on connection: any SQLConnection) throws(Failure) -> Int64 {
        guard let row = try connection.row("SELECT seq FROM cluster_clock WHERE id = 1") else {
            throw Self.missingClock
        }
        return try row.integer(0)
    }

    private static let missingClock = Failure.bug("The cluster's clock is missing")

    // MARK: Servers

    /// Registers a server that has nothing in memory, and returns the number of the newest change.
    ///
    /// The clock stands still until the registration is committed: whoever makes the next change sees the server. A
    /// registration that the server had before goes.
    ///
    /// - Throws: `.unavailable` when there are too many.
    package func register(
        _ id: ObjectID,
        name: String,
        replacing old: ObjectID?,
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) -> Int64 {
        guard let row = try connection.row("UPDATE cluster_clock SET seq = seq WHERE id = 1 RETURNING seq") else {
            throw Self.missingClock
        }
        let clock = try row.integer(0)
        if let old { try leave(old, on: connection) }
        let count = try connection.row("SELECT COUNT(*) FROM cluster_nodes")?.integer(0) ?? 0
        guard count < limits.nodes else {
            throw Failure(
                .unavailable,
                """
                \(count) nodes are registered in the database, which is as many as there may be; those that do not run \
                any more go by themselves within some seconds.
                """,
                retryAfter: limits.silenceDuration
            )
        }
        try connection.run(
            """
            INSERT INTO cluster_nodes (id, name, registered, applied, renewals)
            VALUES (\(id), \(name), \(now), \(SQLValue.integer(clock)), 0)
            """
        )
        return clock
    }

    /// Renews a server's registration, says what it has applied, and reads what it has not; nil when it was refused.
    ///
    /// Neither number ever goes back, so that one that arrives late or twice does no harm. `confirmed` is the newest
    /// renewal that was answered: where the row does not have it, the database has lost what it had committed, as one
    /// that followed at a distance has when it takes over, and the number of a change may have come to mean another. One
    /// event more than `Limits.eventsPerPoll` shows that there were more.
    package func poll(
        _ id: ObjectID,
        applied: Int64,
        renewals: Int64,
        confirmed: Int64,
        on connection: any SQLConnection
    ) throws(Failure) -> Changes? {
        let (applied, renewals) = (SQLValue.integer(applied), SQLValue.integer(renewals))
        let renewed = try connection.run(
            """
            UPDATE cluster_nodes
            SET applied = CASE WHEN applied < \(applied) THEN \(applied) ELSE applied END,
                renewals = CASE WHEN renewals < \(renewals) THEN \(renewals) ELSE renewals END
            WHERE id = \(id) AND eviction IS NULL AND renewals >= \(SQLValue.integer(confirmed))
            """
        )
        guard renewed == 1 else { return nil }
        // One statement, and so one snapshot: no event of a number that the clock shows is missing in it.
        let rows = try connection.rows(
            """
            SELECT c.seq, e.seq, e.kind, e.subject FROM cluster_clock AS c
            LEFT JOIN cluster_events AS e ON e.seq > \(applied)
            ORDER BY e.seq, e.position LIMIT \(limits.eventsPerPoll + 1)
            """
        )
        guard let first = rows.first else { throw Self.missingClock }
        var changes = Changes(clock: try first.integer(0), entries: [])
        for row in rows where row[1] != .null {
            let event = ClusterEvent(kind: try row.text(2), subject: try row.text(3))
            changes.entries.append(Changes.Entry(try row.integer(1), event))
        }
        return changes
    }

    /// Every server that is registered.
    package func members(on connection: any SQLConnection) throws(Failure) -> [ClusterMember] {
        var members: [ClusterMember] = []
        for row in try connection.rows("SELECT id, name, applied, renewals, eviction FROM cluster_nodes") {
            members.append(
                ClusterMember(
                    id: try row.id(0),
                    name: try row.text(1),
                    applied: try row.integer(2),
                    renewals: try row.integer(3),
                    eviction: try row.optionalID(4)
                )
            )
        }
        return members
    }

    /// Refuses a server from now on, unless it has given a sign of life, gives one just now, or is refused already.
    ///
    /// `eviction` is an id of its own for each time. Nobody waits for the row: a server that was stopped while it gave a
    /// sign of life holds it, and whoever waited for that one would be taken for silent too.
    package func refuse(
        _ member: ClusterMember,
        eviction: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run(
            """
            UPDATE cluster_nodes SET eviction = \(eviction)
            WHERE id = (
                SELECT id FROM cluster_nodes
                WHERE id = \(member.id) AND renewals = \(SQLValue.integer(member.renewals)) AND eviction IS NULL
                \(raw: connection.dialect.takingFreeRow)
            )
            """
        )
    }

    /// Removes a server that has been refused for `Limits.evictionDuration`, so that nobody waits for it any more; not
    /// while somebody else does.
    package func remove(
        _ id: ObjectID,
        eviction: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run(
            """
            DELETE FROM cluster_nodes
            WHERE id = (
                SELECT id FROM cluster_nodes WHERE id = \(id) AND eviction = \(eviction)
                \(raw: connection.dialect.takingFreeRow)
            )
            """
        )
    }

    /// Removes a server that says itself that it uses nothing from memory any more.
    package func leave(_ id: ObjectID, on connection: any SQLConnection) throws(Failure) {
        try connection.run("DELETE FROM cluster_nodes WHERE id = \(id)")
    }

    /// Deletes the events that every registered server has applied, but for those that somebody else deletes just now.
    package func deleteAppliedEvents(on connection: any SQLConnection) throws(Failure) {
        try connection.run(
            """
            DELETE FROM cluster_events
            WHERE (seq, position) IN (
                SELECT seq, position FROM cluster_events WHERE seq <= (SELECT MIN(applied) FROM cluster_nodes)
                \(raw: connection.dialect.takingFreeRow)
            )
            """
        )
    }

    // MARK: Time

    /// What the database's clock shows.
    package func currentTime(on connection: any SQLConnection) throws(Failure) -> Timestamp {
        guard let row = try connection.row("SELECT \(raw: connection.dialect.currentTime)") else {
            throw .bug("The database does not tell the time")
        }
        return try row.timestamp(0)
    }
}
