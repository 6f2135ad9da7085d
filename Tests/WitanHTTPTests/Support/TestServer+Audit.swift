import WitanCore
import WitanStorage
import WitanTesting

extension TestServer {
    /// The audit log's columns but for its chain.
    static let auditColumns = [
        "id", "created", "event_type", "outcome", "org_id", "actor_id", "actor_email", "authentication",
        "credential_id", "object_type", "object_id", "object_name", "client_address", "user_agent", "trace_id",
        "impersonated_id", "impersonated_email", "occurrences", "details",
    ]

    /// The audit log's rows, oldest first, each by its columns.
    func auditRows() async throws -> [[String: SQLValue]] {
        let names = SQLQuery.joined(Self.auditColumns.map { "\(identifier: $0)" }, separator: ", ")
        let rows = try await database.byHand.read { connection in
            try connection.rows("SELECT \(names) FROM audit_events ORDER BY position")
        }
        return rows.map { Dictionary(uniqueKeysWithValues: zip(Self.auditColumns, $0.values)) }
    }
}
