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

    /// Checks each pepper that the database knows, then makes the new ones known to it.
    ///
    /// - Throws: `.invalidRequest` for a pepper that is missing or is another one than the database was used with.
    package func reconcile(at now: Timestamp) async throws {
        let known = try await database.read { [store] in try store.pepperChecks(on: $0) }
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
        let new = peppers.versions.filter { version in !known.contains { $0.version == version } }
        guard !new.isEmpty else { return }
        try await database.write { [store, peppers] connection in
            for version in new {
                guard let check = peppers.check(version: version) else { continue }
                try store.insertPepperCheck(version: version, check: check, at: now, on: connection)
            }
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
