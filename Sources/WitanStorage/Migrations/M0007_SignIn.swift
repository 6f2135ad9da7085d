extension Migration {
    /// Passwords, sessions in browsers, and links that sign in; when keys expire and when they were last used.
    static let signIn = Migration(7, "passwords, sessions, expiry and last use of keys") { dialect in
        [
            """
            CREATE TABLE passwords (
                user_id \(raw: dialect.textType) NOT NULL PRIMARY KEY REFERENCES users (id),
                hash \(raw: dialect.textType) NOT NULL,
                changed \(raw: dialect.integerType) NOT NULL
            )\(raw: dialect.tableSuffix)
            """,
            """
            CREATE TABLE sessions (
                id \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                user_id \(raw: dialect.textType) NOT NULL REFERENCES users (id),
                method \(raw: dialect.textType) NOT NULL CHECK (method IN ('password', 'link', 'openid')),
                client_address \(raw: dialect.textType),
                user_agent \(raw: dialect.textType),
                created \(raw: dialect.integerType) NOT NULL,
                expires_at \(raw: dialect.integerType) NOT NULL,
                last_used_at \(raw: dialect.integerType),
                pepper_version \(raw: dialect.integerType) NOT NULL REFERENCES peppers (version),
                digest \(raw: dialect.blobType) NOT NULL UNIQUE
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE INDEX sessions_by_user ON sessions (user_id, created, id)",
            "CREATE INDEX sessions_by_expiry ON sessions (expires_at)",
            """
            CREATE TABLE used_sign_in_links (
                id \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                expires_at \(raw: dialect.integerType) NOT NULL
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE INDEX used_sign_in_links_by_expiry ON used_sign_in_links (expires_at)",
        ]
            + ["api_keys", "service_tokens"]
            .flatMap { table -> [SQLQuery] in
                ["expires_at", "last_used_at"]
                    .map { "ALTER TABLE \(identifier: table) ADD COLUMN \(identifier: $0) \(raw: dialect.integerType)" }
            }
    }
}
