extension Migration {
    /// The audit log, a chain of rows per writer, and each chain's sealed end.
    static let auditLog = Migration(3, "audit log") { dialect in
        [
            """
            CREATE TABLE audit_events (
                chain TEXT NOT NULL,
                position \(raw: dialect.integerType) NOT NULL,
                id TEXT NOT NULL,
                created \(raw: dialect.integerType) NOT NULL,
                event_type TEXT NOT NULL,
                outcome TEXT NOT NULL,
                org_id TEXT,
                actor_id TEXT,
                actor_email TEXT,
                authentication TEXT NOT NULL,
                credential_id TEXT,
                object_type TEXT NOT NULL,
                object_id TEXT,
                object_name TEXT,
                client_address TEXT,
                user_agent TEXT,
                trace_id TEXT,
                mac \(raw: dialect.blobType) NOT NULL,
                PRIMARY KEY (chain, position)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE INDEX audit_events_by_organization ON audit_events (org_id, created, id)",
            """
            CREATE TABLE audit_chains (
                chain TEXT NOT NULL PRIMARY KEY,
                position \(raw: dialect.integerType) NOT NULL,
                mac \(raw: dialect.blobType) NOT NULL,
                seal \(raw: dialect.blobType) NOT NULL
            )\(raw: dialect.tableSuffix)
            """,
        ]
    }
}
