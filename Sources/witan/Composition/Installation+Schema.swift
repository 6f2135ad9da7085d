import WitanCore
import WitanStorage

extension Installation {
    /// Refuses data that is older than this version, for what reads it as it is.
    ///
    /// - Throws: `.conflict` with how to go on.
    @discardableResult
    func requireLatestSchema() async throws -> Int {
        let status = try await Migrator().status(of: database)
        guard status.current == status.latest else {
            throw Failure(
                .conflict,
                "The database has schema \(status.current) of \(status.latest); run `witan migrate`."
            )
        }
        return status.latest
    }
}
