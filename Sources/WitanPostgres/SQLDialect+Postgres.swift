package import WitanStorage

extension SQLDialect {
    /// PostgreSQL, from 13 on.
    package static let postgres = SQLDialect(
        name: "PostgreSQL",
        integerType: "BIGINT",
        textType: "TEXT COLLATE \"C\"",
        blobType: "BYTEA",
        randomID: "gen_random_uuid()::text",
        tableSuffix: "",
        takingFreeRow: " FOR UPDATE SKIP LOCKED",
        keepingRows: { alias in " FOR KEY SHARE OF \(alias)" },
        currentTime: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
        notification: { channel in "SELECT pg_notify(\(channel), '')" },
        tablesNamed: { name in
            """
            SELECT c.relname FROM pg_catalog.pg_class AS c
            WHERE c.relkind = 'r' AND c.relname = \(name) AND pg_catalog.pg_table_is_visible(c.oid)
            """
        },
        placeholders: PlaceholderText.numbered
    )
}
