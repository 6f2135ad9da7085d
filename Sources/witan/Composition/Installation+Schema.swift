import WitanCore
import WitanStorage

extension Installation {
    /// Refuses data that is older than this version, for what reads it as it is.
    ///
    /// - Throws: `.conflict` with how to go on.
    @discardableResult
    func requireLatestSchema() async throws -> Migrator.Status {
        let status = try await Migrator().status(of: database)
        try status.requireLatest()
        return status
    }
}

extension Migrator.Status {
    /// Refuses a schema that is older than this version's.
    ///
    /// - Throws: `.conflict` with how to go on.
    func requireLatest() throws(Failure) {
        guard current < latest else { return }
        throw Failure(.conflict, "The database has schema \(current) of \(latest); run `witan migrate`.")
    }
}
