extension Migration {
    /// Organizations, the people in them, and who owns what.
    static let accounts = Migration(1, "organizations, users, members") { dialect in
        [
            """
            CREATE TABLE organizations (
                id TEXT NOT NULL PRIMARY KEY,
                name TEXT NOT NULL UNIQUE,
                api_url TEXT,
                is_universal_api \(raw: dialect.integerType),
                is_dataplane_private \(raw: dialect.integerType),
                proxy_url TEXT,
                realtime_url TEXT,
                created \(raw: dialect.integerType) NOT NULL,
                image_rendering_mode TEXT
            )\(raw: dialect.tableSuffix)
            """,
            """
            CREATE TABLE users (
                id TEXT NOT NULL PRIMARY KEY,
                given_name TEXT,
                family_name TEXT,
                email TEXT NOT NULL UNIQUE,
                avatar_url TEXT,
                created \(raw: dialect.integerType) NOT NULL
            )\(raw: dialect.tableSuffix)
            """,
            """
            CREATE TABLE members (
                org_id TEXT NOT NULL REFERENCES organizations (id),
                user_id TEXT NOT NULL REFERENCES users (id),
                role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
                created \(raw: dialect.integerType) NOT NULL,
                PRIMARY KEY (user_id, org_id)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE INDEX members_by_organization ON members (org_id, user_id)",
        ]
    }
}
