extension Migration {
    /// What the audit log tells besides, all of it null in the rows from before, and the indexes of its list.
    static let auditDetails = Migration(5, "audit details") { dialect in
        [
            "ALTER TABLE audit_events ADD COLUMN impersonated_id \(raw: dialect.textType)",
            "ALTER TABLE audit_events ADD COLUMN impersonated_email \(raw: dialect.textType)",
            "ALTER TABLE audit_events ADD COLUMN occurrences \(raw: dialect.integerType)",
            "ALTER TABLE audit_events ADD COLUMN details \(raw: dialect.textType)",
            "CREATE UNIQUE INDEX audit_events_by_id ON audit_events (id)",
            "CREATE INDEX audit_events_by_actor ON audit_events (org_id, actor_id, created, id)",
            "CREATE INDEX audit_events_by_type ON audit_events (org_id, event_type, created, id)",
            "CREATE INDEX audit_events_by_object ON audit_events (org_id, object_id, created, id)",
        ]
    }
}
