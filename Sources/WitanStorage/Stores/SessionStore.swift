package import WitanCore

/// Reads and writes people's sessions in browsers.
package struct SessionStore: Sendable {
    /// How a session was begun; the raw value stands in the database.
    package enum Method: String, Sendable, CaseIterable {
        /// With a password.
        case password
        /// With a link that worked once.
        case link
        /// At a provider of OpenID Connect.
        case openID = "openid"
    }

    /// A session, without its secret.
    package struct Session: Sendable, Hashable {
        /// The session's id, which is not a secret.
        package let id: ObjectID

        /// Whose it is.
        package let userID: ObjectID

        /// How it was begun.
        package let method: Method

        /// The address that it was begun from, if it is known.
        package let clientAddress: String?

        /// What the browser said that it is.
        package let userAgent: String?

        /// When it was begun.
        package let created: Timestamp

        /// When it ends by itself.
        package let expiresAt: Timestamp

        /// When it was last seen, to within the time between two writes; nil for one that was not used yet.
        package let lastUsedAt: Timestamp?

        /// Describes a session.
        package init(
            id: ObjectID,
            userID: ObjectID,
            method: Method,
            clientAddress: String?,
            userAgent: String?,
            created: Timestamp,
            expiresAt: Timestamp,
            lastUsedAt: Timestamp? = nil
        ) {
            self.id = id
            self.userID = userID
            self.method = method
            self.clientAddress = clientAddress
            self.userAgent = userAgent
            self.created = created
            self.expiresAt = expiresAt
            self.lastUsedAt = lastUsedAt
        }
    }

    /// A store; it holds nothing.
    package init() {}

    /// Writes a session with the digest of its secret under a pepper.
    package func insert(
        _ session: Session,
        digest: [UInt8],
        pepperVersion: Int,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run(
            """
            INSERT INTO sessions (
                id, user_id, method, client_address, user_agent, created, expires_at, pepper_version, digest
            ) VALUES (
                \(session.id), \(session.userID), \(session.method.rawValue), \(session.clientAddress),
                \(session.userAgent), \(session.created), \(session.expiresAt), \(pepperVersion), \(digest)
            )
            """
        )
    }

    /// The session with that digest, whether or not it has ended, and the digest itself to be compared.
    package func session(
        digest: [UInt8],
        on connection: any SQLConnection
    ) throws(Failure) -> (session: Session, digest: [UInt8])? {
        guard let row = try connection.row("\(Self.select), digest FROM sessions WHERE digest = \(digest)") else {
            return nil
        }
        return (try Self.session(row), try row.blob(8))
    }

    /// When the session of that id was begun; nil when there is none, or it has run out.
    package func beginning(
        of id: ObjectID,
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) -> Timestamp? {
        try connection.row("SELECT created FROM sessions WHERE id = \(id) AND expires_at > \(now)")
            .map { row throws(Failure) in try row.timestamp(0) }
    }

    /// A user's sessions that have not ended, newest first, at most `limit` of them.
    package func sessions(
        of userID: ObjectID,
        at now: Timestamp,
        limit: Int,
        on connection: any SQLConnection
    ) throws(Failure) -> [Session] {
        var sessions: [Session] = []
        let rows = try connection.rows(
            """
            \(Self.select) FROM sessions WHERE user_id = \(userID) AND expires_at > \(now)
            ORDER BY created DESC, id DESC LIMIT \(limit)
            """
        )
        for row in rows { sessions.append(try Self.session(row)) }
        return sessions
    }

    /// Ends a user's session; whether there was one of that id.
    package func delete(_ id: ObjectID, of userID: ObjectID, on connection: any SQLConnection) throws(Failure) -> Bool {
        try connection.run("DELETE FROM sessions WHERE id = \(id) AND user_id = \(userID)") == 1
    }

    /// Ends all of a user's sessions but one, and returns the ids of those that have ended.
    package func deleteAll(
        of userID: ObjectID,
        except kept: ObjectID? = nil,
        on connection: any SQLConnection
    ) throws(Failure) -> [ObjectID] {
        var deletion: SQLQuery = "DELETE FROM sessions WHERE user_id = \(userID)"
        if let kept { deletion += " AND id <> \(kept)" }
        return try connection.rows("\(deletion) RETURNING id").map { row throws(Failure) in try row.id(0) }
    }

    /// Removes what nobody can use any more: sessions and marks of used links whose time is over, at most `limit` of each.
    package func deleteExpired(at now: Timestamp, limit: Int, on connection: any SQLConnection) throws(Failure) {
        for table: SQLQuery in ["sessions", "used_sign_in_links"] {
            try connection.run(
                """
                DELETE FROM \(table) WHERE id IN (SELECT id FROM \(table) WHERE expires_at <= \(now) LIMIT \(limit))
                """
            )
        }
    }

    private static let select: SQLQuery = """
        SELECT id, user_id, method, client_address, user_agent, created, expires_at, last_used_at
        """

    private static func session(_ row: SQLRow) throws(Failure) -> Session {
        guard let method = Method(rawValue: try row.text(2)) else {
            throw .bug("A session was begun in a way that this version does not know")
        }
        return Session(
            id: try row.id(0),
            userID: try row.id(1),
            method: method,
            clientAddress: try row.optionalText(3),
            userAgent: try row.optionalText(4),
            created: try row.timestamp(5),
            expiresAt: try row.timestamp(6),
            lastUsedAt: row[7] == .null ? nil : try row.timestamp(7)
        )
    }
}
