extension Migration {
    /// The audit log, a chain of rows per writer, and each chain's sealed end.
    static let auditLog = Migration(3, "audit log") { dialect in
        [
            """
            CREATE TABLE audit_events (
                chain \(raw: dialect.textType) NOT NULL,
                position \(raw: dialect.integerType) NOT NULL,
                id \(raw: dialect.textType) NOT NULL,
                created \(raw: dialect.integerType) NOT NULL,
                event_type \(raw: dialect.textType) NOT NULL,
                outcome \(raw: dialect.textType) NOT NULL,
                org_id \(raw: dialect.textType),
                actor_id \(raw: dialect.textType),
                actor_email \(raw: dialect.textType),
                authentication \(raw: dialect.textType) NOT NULL,
                credential_id \(raw: dialect.textType),
                object_type \(raw: dialect.textType) NOT NULL,
                object_id \(raw: dialect.textType),
                object_name \(raw: dialect.textType),
                client_address \(raw: dialect.textType),
                user_agent \(raw: dialect.textType),
                trace_id \(raw: dialect.textType),
                mac \(raw: dialect.blobType) NOT NULL,
                PRIMARY KEY (chain, position)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE INDEX audit_events_by_organization ON audit_events (org_id, created, id)",
            """
            CREATE TABLE audit_chains (
                chain \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                position \(raw: dialect.integerType) NOT NULL,
                mac \(raw: dialect.blobType) NOT NULL,
                seal \(raw: dialect.blobType) NOT NULL
            )\(raw: dialect.tableSuffix)
            """,
        ]
    }
}
