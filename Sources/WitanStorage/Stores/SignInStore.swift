package import WitanCore

/// Reads and writes what people sign in with: passwords, and the marks of links that were used.
package struct SignInStore: Sendable {
    /// A store; it holds nothing.
    package init() {}

    /// The hash of a user's password; nil for somebody without one.
    package func passwordHash(of userID: ObjectID, on connection: any SQLConnection) throws(Failure) -> String? {
        guard let row = try connection.row("SELECT hash FROM passwords WHERE user_id = \(userID)") else { return nil }
        return try row.text(0)
    }

    /// The hash of the password of whoever has that address, in lower case; nil for nobody, and without a password.
    package func passwordHash(email: String, on connection: any SQLConnection) throws(Failure) -> String? {
        try connection
            .row("SELECT p.hash FROM users AS u JOIN passwords AS p ON p.user_id = u.id WHERE u.email = \(email)")
            .map { row throws(Failure) in try row.text(0) }
    }

    /// Gives a user a password, in place of the one that they may have.
    package func setPasswordHash(
        _ hash: String,
        of userID: ObjectID,
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run(
            """
            INSERT INTO passwords (user_id, hash, changed) VALUES (\(userID), \(hash), \(now))
            ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed = excluded.changed
            """
        )
    }

    // MARK: Links

    /// What a user's links must have been made with to be good; nil when any is.
    ///
    /// It is another after each `endLinks`, whatever the clocks say, and nil once the links from before are too old.
    package func linkGeneration(of userID: ObjectID, on connection: any SQLConnection) throws(Failure) -> Int64? {
        try connection.row("SELECT expires_at FROM used_sign_in_links WHERE id = \(userID)")
            .map { row throws(Failure) in try row.integer(0) }
    }

    /// Makes all of a user's links worthless that there are, of which none is good for longer than until `expiresAt`.
    ///
    /// A mark under the user's id stands for all of them, and its time for their generation. It is forgotten as the mark
    /// of a used link is, when those links have been too old for an hour.
    package func endLinks(
        of userID: ObjectID,
        expiringBy expiresAt: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run(
            """
            INSERT INTO used_sign_in_links AS l (id, expires_at) VALUES (\(userID), \(Self.forgetting(expiresAt)))
            ON CONFLICT (id) DO UPDATE SET expires_at = CASE
                WHEN excluded.expires_at > l.expires_at THEN excluded.expires_at ELSE l.expires_at + 1
            END
            """
        )
    }

    /// Marks a link as used until an hour after it has expired; false when it was used before.
    ///
    /// The hour is for nodes whose clocks differ: none forgets the mark while another still takes the link.
    package func useLink(
        _ id: String,
        expiresAt: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) -> Bool {
        try connection.run(
            """
            INSERT INTO used_sign_in_links (id, expires_at) VALUES (\(id), \(Self.forgetting(expiresAt)))
            ON CONFLICT DO NOTHING
            """
        ) == 1
    }

    private static func forgetting(_ expiresAt: Timestamp) -> Timestamp { expiresAt.advanced(by: .seconds(3_600)) }
}
