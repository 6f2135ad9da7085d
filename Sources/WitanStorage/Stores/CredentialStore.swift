package import WitanCore

/// Finds API keys by their digests and keeps the peppers' check values.
package struct CredentialStore: Sendable {
    /// An API key's row, as far as a check needs it.
    package struct StoredKey: Sendable, Hashable {
        /// The key's id.
        package let id: ObjectID

        /// The person who owns it.
        package let userID: ObjectID

        /// The organization that it acts in.
        package let organizationID: ObjectID

        /// The 32 bytes that are kept in place of the key.
        package let digest: [UInt8]

        /// The version of the pepper that the digest was made with.
        package let pepperVersion: Int
    }

    /// A store; it holds nothing.
    package init() {}

    /// The key with that digest.
    package func key(digest: [UInt8], on connection: any SQLConnection) throws(Failure) -> StoredKey? {
        let row = try connection.row(
            "SELECT id, user_id, org_id, digest, pepper_version FROM api_keys WHERE digest = \(digest)"
        )
        return try row.map { row throws(Failure) in
            StoredKey(
                id: try row.id(0),
                userID: try row.id(1),
                organizationID: try row.id(2),
                digest: try row.blob(3),
                pepperVersion: Int(try row.integer(4))
            )
        }
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
            UPDATE api_keys SET digest = \(digest), pepper_version = \(pepperVersion)
            WHERE id = \(key.id) AND pepper_version = \(key.pepperVersion)
            """
        )
    }

    /// How many keys are stored under a pepper.
    package func keyCount(pepperVersion: Int, on connection: any SQLConnection) throws(Failure) -> Int {
        let row = try connection.row("SELECT COUNT(*) FROM api_keys WHERE pepper_version = \(pepperVersion)")
        return try row.map { row throws(Failure) in Int(try row.integer(0)) } ?? 0
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

    /// Forgets a pepper version that no key uses any more.
    package func deletePepperCheck(version: Int, on connection: any SQLConnection) throws(Failure) {
        try connection.run("DELETE FROM peppers WHERE version = \(version)")
    }
}
