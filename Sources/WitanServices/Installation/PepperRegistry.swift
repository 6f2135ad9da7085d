package import WitanAccess
package import WitanCore
package import WitanStorage

/// Sees to it that the server runs with the peppers that its database was made with (design: key service, section 3).
package struct PepperRegistry: Sendable {
    /// A pepper version and how many keys are stored under it.
    package struct Usage: Sendable, Hashable {
        /// The pepper's version.
        package let version: Int

        /// How many keys are stored under it.
        package let keys: Int

        /// Whether the secrets have it.
        package let isKnown: Bool
    }

    private let database: any SQLDatabase
    private let peppers: Peppers
    private let store = CredentialStore()

    /// Takes the database and the peppers to run with.
    package init(database: any SQLDatabase, peppers: Peppers) {
        self.database = database
        self.peppers = peppers
    }

    /// Whether nothing in a database rests on secrets yet, be it that it has no schema.
    package static func isUnused(_ database: any SQLDatabase) async throws -> Bool {
        try await database.read { connection in
            guard try connection.row(connection.dialect.tablesNamed("peppers")) != nil else { return true }
            return try CredentialStore().pepperChecks(on: connection).isEmpty
                && !AccountStore().hasOrganizations(on: connection)
        }
    }

    /// Checks each pepper that the database knows, then makes the new ones known to it.
    ///
    /// - Throws: `.invalidRequest` for a pepper that is missing or is another one than the database was used with.
    package func reconcile(at now: Timestamp) async throws {
        if try await !database.read({ try unknownVersions(on: $0).isEmpty }) {
            try await database.write { connection in
                // Read again: another server on the database may have been quicker.
                for version in try unknownVersions(on: connection) {
                    guard let check = peppers.check(version: version) else { continue }
                    try store.insertPepperCheck(version: version, check: check, at: now, on: connection)
                }
            }
        }
    }

    /// The versions that the database does not know yet, once those that it knows are found to be the same.
    private func unknownVersions(on connection: any SQLConnection) throws(Failure) -> [Int] {
        let known = try store.pepperChecks(on: connection)
        for (version, check) in known {
            guard let own = peppers.check(version: version) else {
                throw Failure(
                    .invalidRequest,
                    """
                    The secrets lack pepper \(version), which keys of this database may need: add it again, or remove \
                    it with `witan peppers remove \(version)` once `witan doctor` shows no key under it.
                    """
                )
            }
            guard own == check else {
                throw Failure(
                    .invalidRequest,
                    """
                    Pepper \(version) of the secrets is not the one that this database was made with: restore the \
                    secrets that belong to this database.
                    """
                )
            }
        }
        return peppers.versions.filter { version in !known.contains { $0.version == version } }
    }

    /// Makes the newest pepper known to the database, and has `save` keep the secrets that have it.
    ///
    /// Both at once, so that of several who add a pepper one does. `save` may run more than once.
    ///
    /// - Throws: `.conflict` when the database has a pepper of that version already; then nothing was saved.
    package func adoptNewest(
        at now: Timestamp,
        save: @escaping @Sendable () throws(Failure) -> Void
    ) async throws {
        try await database.write { connection in
            let version = peppers.newest
            guard let check = peppers.check(version: version) else { throw Failure.bug("The newest pepper is missing") }
            guard try !store.pepperChecks(on: connection).contains(where: { $0.version == version }) else {
                throw Failure(
                    .conflict,
                    "Another `witan peppers rotate` was quicker; `witan peppers list` shows what there is now."
                )
            }
            try store.insertPepperCheck(version: version, check: check, at: now, on: connection)
            try save()
        }
    }

    /// How many keys each version still holds, oldest version first.
    package func usage() async throws -> [Usage] {
        try await database.read { [store, peppers] connection in
            let versions = Set(try store.pepperChecks(on: connection).map(\.version)).union(peppers.versions)
            return try versions.sorted()
                .map { version in
                    Usage(
                        version: version,
                        keys: try store.keyCount(pepperVersion: version, on: connection),
                        isKnown: peppers.versions.contains(version)
                    )
                }
        }
    }

    /// Checks each pepper that the database knows, and changes nothing.
    ///
    /// - Throws: as `reconcile` does.
    package func verify() async throws {
        _ = try await database.read { try unknownVersions(on: $0) }
    }

    /// Forgets a version.
    ///
    /// - Throws: `.conflict` while keys are stored under it.
    package func forget(version: Int) async throws {
        try await database.write { [store] connection in
            guard try store.pepperChecks(on: connection).contains(where: { $0.version == version }) else {
                throw Failure(
                    .invalidRequest,
                    "The database knows no pepper \(version); `witan peppers list` shows those that it knows."
                )
            }
            let keys = try store.keyCount(pepperVersion: version, on: connection)
            guard keys == 0 else {
                throw Failure(
                    .conflict,
                    """
                    \(keys) keys are still stored under pepper \(version); each moves to the newest when it is next \
                    used. Removing the pepper now would end them.
                    """
                )
            }
            try store.deletePepperCheck(version: version, on: connection)
        }
    }
}
