extension Migration {
    /// API keys as digests, and what tells a right pepper from a wrong one.
    static let apiKeys = Migration(2, "API keys, peppers") { dialect in
        [
            """
            CREATE TABLE peppers (
                version \(raw: dialect.integerType) NOT NULL PRIMARY KEY,
                check_value \(raw: dialect.blobType) NOT NULL,
                created \(raw: dialect.integerType) NOT NULL
            )\(raw: dialect.tableSuffix)
            """,
            """
            CREATE TABLE api_keys (
                id \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                created \(raw: dialect.integerType) NOT NULL,
                name \(raw: dialect.textType) NOT NULL,
                preview_name \(raw: dialect.textType) NOT NULL,
                user_id \(raw: dialect.textType) NOT NULL REFERENCES users (id),
                org_id \(raw: dialect.textType) NOT NULL REFERENCES organizations (id),
                digest \(raw: dialect.blobType) NOT NULL UNIQUE,
                pepper_version \(raw: dialect.integerType) NOT NULL REFERENCES peppers (version)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE INDEX api_keys_by_owner ON api_keys (user_id, org_id, created, id)",
            "CREATE INDEX api_keys_by_organization ON api_keys (org_id, created, id)",
        ]
    }
}
