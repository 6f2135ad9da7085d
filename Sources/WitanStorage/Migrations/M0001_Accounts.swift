extension Migration {
    /// Organizations, the people in them, and who owns what.
    static let accounts = Migration(1, "organizations, users, members") { dialect in
        [
            """
            CREATE TABLE organizations (
                id \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                name \(raw: dialect.textType) NOT NULL UNIQUE,
                api_url \(raw: dialect.textType),
                is_universal_api \(raw: dialect.integerType),
                is_dataplane_private \(raw: dialect.integerType),
                proxy_url \(raw: dialect.textType),
                realtime_url \(raw: dialect.textType),
                created \(raw: dialect.integerType) NOT NULL,
                image_rendering_mode \(raw: dialect.textType)
            )\(raw: dialect.tableSuffix)
            """,
            """
            CREATE TABLE users (
                id \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                given_name \(raw: dialect.textType),
                family_name \(raw: dialect.textType),
                email \(raw: dialect.textType) NOT NULL UNIQUE,
                avatar_url \(raw: dialect.textType),
                created \(raw: dialect.integerType) NOT NULL
            )\(raw: dialect.tableSuffix)
            """,
            """
            CREATE TABLE members (
                org_id \(raw: dialect.textType) NOT NULL REFERENCES organizations (id),
                user_id \(raw: dialect.textType) NOT NULL REFERENCES users (id),
                role \(raw: dialect.textType) NOT NULL CHECK (role IN ('owner', 'member')),
                created \(raw: dialect.integerType) NOT NULL,
                PRIMARY KEY (user_id, org_id)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE INDEX members_by_organization ON members (org_id, user_id)",
        ]
    }
}
