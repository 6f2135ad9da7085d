package import WitanCore

/// Finds API keys and service tokens by their digests and keeps the peppers' check values.
package struct CredentialStore: Sendable {
    /// Where a kind of credential is kept.
    package enum Kind: Sendable, Hashable, CaseIterable {
        /// The API keys of people.
        case apiKey
        /// The tokens of service accounts.
        case serviceToken

        fileprivate var table: SQLQuery {
            switch self {
            case .apiKey: "api_keys"
            case .serviceToken: "service_tokens"
            }
        }

        fileprivate var owner: SQLQuery {
            switch self {
            case .apiKey: "user_id"
            case .serviceToken: "service_account_id"
            }
        }
    }

    /// A credential's row, as far as a check needs it.
    package struct StoredKey: Sendable, Hashable {
        /// Where it is kept.
        package let kind: Kind

        /// The credential's id.
        package let id: ObjectID

        /// What people call it.
        package let name: String

        /// The user who owns it.
        package let userID: ObjectID

        /// The organization that it acts in.
        package let organizationID: ObjectID

        /// The 32 bytes that are kept in place of the key.
        package let digest: [UInt8]

        /// The version of the pepper that the digest was made with.
        package let pepperVersion: Int

        /// From when on it is worth nothing; nil for one that does not end by itself.
        package let expiresAt: Timestamp?
    }

    /// A store; it holds nothing.
    package init() {}

    /// The credential with that digest.
    package func key(
        _ kind: Kind,
        digest: [UInt8],
        on connection: any SQLConnection
    ) throws(Failure) -> StoredKey? {
        try keys(kind, where: "digest = \(digest)", on: connection).first
    }

    /// A user's credentials in an organization, of both kinds.
    package func keys(
        of userID: ObjectID,
        in organizationID: ObjectID,
        on connection: any SQLConnection
    ) throws(Failure) -> [StoredKey] {
        var keys: [StoredKey] = []
        for kind in Kind.allCases {
            keys += try self.keys(
                kind,
                where: "\(kind.owner) = \(userID) AND org_id = \(organizationID)",
                on: connection
            )
        }
        return keys
    }

    /// The digest of the credential of that id, if it has not expired and its owner is in its organization, where they
    /// stay until the end of the transaction; nil when it is not good.
    package func digest(
        ofGood kind: Kind,
        _ id: ObjectID,
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) -> [UInt8]? {
        try connection.row(
            """
            SELECT k.digest FROM \(kind.table) AS k
            JOIN members AS m ON m.user_id = k.\(kind.owner) AND m.org_id = k.org_id
            WHERE k.id = \(id) AND (k.expires_at IS NULL OR k.expires_at > \(now))\
            \(raw: connection.dialect.keepingRows("m"))
            """
        )
        .map { row throws(Failure) in try row.blob(0) }
    }

    /// Deletes a credential.
    package func delete(_ key: StoredKey, on connection: any SQLConnection) throws(Failure) {
        try connection.run("DELETE FROM \(key.kind.table) WHERE id = \(key.id)")
    }

    private func keys(
        _ kind: Kind,
        where condition: SQLQuery,
        on connection: any SQLConnection
    ) throws(Failure) -> [StoredKey] {
        let rows = try connection.rows(
            """
            SELECT id, name, \(kind.owner), org_id, digest, pepper_version, expires_at
            FROM \(kind.table) WHERE \(condition)
            """
        )
        var keys: [StoredKey] = []
        for row in rows {
            keys.append(
                StoredKey(
                    kind: kind,
                    id: try row.id(0),
                    name: try row.text(1),
                    userID: try row.id(2),
                    organizationID: try row.id(3),
                    digest: try row.blob(4),
                    pepperVersion: Int(try row.integer(5)),
                    expiresAt: row[6] == .null ? nil : try row.timestamp(6)
                )
            )
        }
        return keys
    }

    /// Replaces a key's digest by one under another pepper, unless the key has changed or gone meanwhile.
    package func replaceDigest(
        of key: StoredKey,
        by digest: [UInt8],
        pepperVersion: Int,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run(
            """
            UPDATE \(key.kind.table) SET digest = \(digest), pepper_version = \(pepperVersion)
            WHERE id = \(key.id) AND pepper_version = \(key.pepperVersion)
            """
        )
    }

    /// How many keys and tokens are stored under a pepper.
    package func keyCount(pepperVersion: Int, on connection: any SQLConnection) throws(Failure) -> Int {
        var count = 0
        for kind in Kind.allCases {
            let row = try connection.row("SELECT COUNT(*) FROM \(kind.table) WHERE pepper_version = \(pepperVersion)")
            count += try row.map { row throws(Failure) in Int(try row.integer(0)) } ?? 0
        }
        return count
    }

    // MARK: Last use

    /// Notes when credentials were last used, those that are gone left out.
    ///
    /// In the order of their ids, so that two servers that note the same ones wait for each other and do not deadlock.
    package func setLastUses(
        _ uses: [ObjectID: Timestamp],
        in table: LastUseTable,
        on connection: any SQLConnection
    ) throws(Failure) {
        for (id, moment) in uses.sorted(by: { $0.key < $1.key }) {
            try connection.run(
                """
                UPDATE \(identifier: table.rawValue) SET last_used_at = \(moment)
                WHERE id = \(id) AND COALESCE(last_used_at, 0) < \(moment)
                """
            )
        }
    }

    /// Where credentials are whose last use is noted; the raw value is the table's name.
    package enum LastUseTable: String, Sendable, CaseIterable {
        /// API keys.
        case apiKeys = "api_keys"
        /// Service accounts' tokens.
        case serviceTokens = "service_tokens"
        /// Sessions in browsers.
        case sessions
    }

    // MARK: Peppers

    /// The check value of each pepper version that the database has been used with.
    package func pepperChecks(on connection: any SQLConnection) throws(Failure) -> [(version: Int, check: [UInt8])] {
        var checks: [(version: Int, check: [UInt8])] = []
        for row in try connection.rows("SELECT version, check_value FROM peppers ORDER BY version") {
            checks.append((Int(try row.integer(0)), try row.blob(1)))
        }
        return checks
    }

    /// Records a pepper version's check value.
    package func insertPepperCheck(
        version: Int,
        check: [UInt8],
        at now: Timestamp,
        on connection: any SQLConnection
    ) throws(Failure) {
        try connection.run("INSERT INTO peppers (version, check_value, created) VALUES (\(version), \(check), \(now))")
    }

    /// Forgets a pepper version that no key uses any more, and ends the sessions that do.
    package func deletePepperCheck(version: Int, on connection: any SQLConnection) throws(Failure) {
        try connection.run("DELETE FROM sessions WHERE pepper_version = \(version)")
        try connection.run("DELETE FROM peppers WHERE version = \(version)")
    }
}
