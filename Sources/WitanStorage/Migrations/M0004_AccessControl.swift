extension Migration {
    /// Groups, roles, grants, service accounts and their tokens, and projects.
    ///
    /// Owners of an organization go into its group Owners, its other members into Viewers, so that nobody can do more
    /// than before.
    static let accessControl = Migration(4, "groups, roles, grants, service accounts, projects") { dialect in
        groupsAndRoles(dialect) + grants(dialect) + builtIns(dialect) + accounts(dialect) + projects(dialect)
    }

    private static func groupsAndRoles(_ dialect: SQLDialect) -> [SQLQuery] {
        [
            """
            CREATE TABLE groups (
                id \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                org_id \(raw: dialect.textType) NOT NULL REFERENCES organizations (id),
                user_id \(raw: dialect.textType) REFERENCES users (id),
                created \(raw: dialect.integerType) NOT NULL,
                name \(raw: dialect.textType) NOT NULL,
                description \(raw: dialect.textType),
                deleted_at \(raw: dialect.integerType),
                built_in \(raw: dialect.textType) CHECK (built_in IN ('owners', 'engineers', 'viewers'))
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE UNIQUE INDEX groups_by_name ON groups (org_id, name) WHERE deleted_at IS NULL",
            "CREATE UNIQUE INDEX groups_by_built_in ON groups (org_id, built_in) WHERE built_in IS NOT NULL",
            "CREATE INDEX groups_by_organization ON groups (org_id, created, id)",
            """
            CREATE TABLE group_users (
                group_id \(raw: dialect.textType) NOT NULL REFERENCES groups (id),
                user_id \(raw: dialect.textType) NOT NULL REFERENCES users (id),
                PRIMARY KEY (group_id, user_id)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE INDEX group_users_by_user ON group_users (user_id, group_id)",
            """
            CREATE TABLE group_groups (
                group_id \(raw: dialect.textType) NOT NULL REFERENCES groups (id),
                member_group_id \(raw: dialect.textType) NOT NULL REFERENCES groups (id),
                PRIMARY KEY (group_id, member_group_id)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE INDEX group_groups_by_member ON group_groups (member_group_id, group_id)",
            """
            CREATE TABLE roles (
                id \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                org_id \(raw: dialect.textType) REFERENCES organizations (id),
                user_id \(raw: dialect.textType) REFERENCES users (id),
                created \(raw: dialect.integerType) NOT NULL,
                name \(raw: dialect.textType) NOT NULL,
                description \(raw: dialect.textType),
                deleted_at \(raw: dialect.integerType)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE UNIQUE INDEX roles_by_name ON roles (org_id, name) WHERE deleted_at IS NULL",
            "CREATE INDEX roles_by_organization ON roles (org_id, created, id)",
            """
            CREATE TABLE role_permissions (
                role_id \(raw: dialect.textType) NOT NULL REFERENCES roles (id),
                permission \(raw: dialect.textType) NOT NULL,
                restrict_object_type \(raw: dialect.textType)
            )\(raw: dialect.tableSuffix)
            """,
            """
            CREATE UNIQUE INDEX role_permissions_by_role
            ON role_permissions (role_id, permission, COALESCE(restrict_object_type, ''))
            """,
            "CREATE INDEX role_permissions_by_permission ON role_permissions (permission, restrict_object_type, role_id)",
            """
            CREATE TABLE role_roles (
                role_id \(raw: dialect.textType) NOT NULL REFERENCES roles (id),
                member_role_id \(raw: dialect.textType) NOT NULL REFERENCES roles (id),
                PRIMARY KEY (role_id, member_role_id)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE INDEX role_roles_by_member ON role_roles (member_role_id, role_id)",
        ]
    }

    private static func grants(_ dialect: SQLDialect) -> [SQLQuery] {
        [
            """
            CREATE TABLE acls (
                id \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                object_type \(raw: dialect.textType) NOT NULL,
                object_id \(raw: dialect.textType) NOT NULL,
                user_id \(raw: dialect.textType) REFERENCES users (id),
                group_id \(raw: dialect.textType) REFERENCES groups (id),
                permission \(raw: dialect.textType),
                restrict_object_type \(raw: dialect.textType),
                role_id \(raw: dialect.textType) REFERENCES roles (id),
                _object_org_id \(raw: dialect.textType) NOT NULL REFERENCES organizations (id),
                created \(raw: dialect.integerType) NOT NULL,
                CHECK ((user_id IS NULL) <> (group_id IS NULL)),
                CHECK ((permission IS NULL) <> (role_id IS NULL)),
                CHECK (restrict_object_type IS NULL OR permission IS NOT NULL)
            )\(raw: dialect.tableSuffix)
            """,
            """
            CREATE UNIQUE INDEX acls_by_content ON acls (
                object_id, object_type, COALESCE(user_id, ''), COALESCE(group_id, ''), COALESCE(permission, ''),
                COALESCE(restrict_object_type, ''), COALESCE(role_id, '')
            )
            """,
            "CREATE INDEX acls_by_object ON acls (object_id, object_type, created, id)",
            "CREATE INDEX acls_by_object_and_user ON acls (object_id, user_id) WHERE user_id IS NOT NULL",
            "CREATE INDEX acls_by_object_and_group ON acls (object_id, group_id) WHERE group_id IS NOT NULL",
            "CREATE INDEX acls_by_user ON acls (user_id, object_type) WHERE user_id IS NOT NULL",
            "CREATE INDEX acls_by_group ON acls (group_id, object_type) WHERE group_id IS NOT NULL",
            "CREATE INDEX acls_by_role ON acls (role_id, object_id) WHERE role_id IS NOT NULL",
            "CREATE INDEX acls_by_organization ON acls (_object_org_id, created, id)",
        ]
    }

    private static func accounts(_ dialect: SQLDialect) -> [SQLQuery] {
        [
            "ALTER TABLE members DROP COLUMN role",
            "ALTER TABLE organizations ADD COLUMN grants_ownership \(raw: dialect.integerType) NOT NULL DEFAULT 1",
            "ALTER TABLE users ADD COLUMN service_org_id \(raw: dialect.textType) REFERENCES organizations (id)",
            """
            CREATE INDEX users_by_service_organization ON users (service_org_id, given_name)
            WHERE service_org_id IS NOT NULL
            """,
            "CREATE INDEX users_by_time ON users (created, id)",
            """
            CREATE TABLE service_tokens (
                id \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                created \(raw: dialect.integerType) NOT NULL,
                name \(raw: dialect.textType) NOT NULL,
                preview_name \(raw: dialect.textType) NOT NULL,
                service_account_id \(raw: dialect.textType) NOT NULL REFERENCES users (id),
                org_id \(raw: dialect.textType) NOT NULL REFERENCES organizations (id),
                digest \(raw: dialect.blobType) NOT NULL UNIQUE,
                pepper_version \(raw: dialect.integerType) NOT NULL REFERENCES peppers (version)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE INDEX service_tokens_by_owner ON service_tokens (service_account_id, org_id, created, id)",
            "CREATE INDEX service_tokens_by_organization ON service_tokens (org_id, created, id)",
        ]
    }

    private static func projects(_ dialect: SQLDialect) -> [SQLQuery] {
        [
            """
            CREATE TABLE projects (
                id \(raw: dialect.textType) NOT NULL PRIMARY KEY,
                org_id \(raw: dialect.textType) NOT NULL REFERENCES organizations (id),
                name \(raw: dialect.textType) NOT NULL,
                description \(raw: dialect.textType),
                created \(raw: dialect.integerType) NOT NULL,
                deleted_at \(raw: dialect.integerType),
                user_id \(raw: dialect.textType) REFERENCES users (id),
                settings \(raw: dialect.textType)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE UNIQUE INDEX projects_by_name ON projects (org_id, name) WHERE deleted_at IS NULL",
            "CREATE INDEX projects_by_organization ON projects (org_id, created, id)",
        ]
    }

    // MARK: What every installation has

    private static let ownerRole = "00000000-0000-7000-8000-000000000001"
    private static let engineerRole = "00000000-0000-7000-8000-000000000002"
    private static let viewerRole = "00000000-0000-7000-8000-000000000003"

    private static func builtIns(_ dialect: SQLDialect) -> [SQLQuery] {
        // Kinds of the published documents alone: clients that read these roles know no others.
        let contents = [
            "org_project", "project", "experiment", "dataset", "prompt", "prompt_session", "project_log",
        ]
        let everybody = ["organization", "org_member", "group", "role"].map { ("read", $0) }
        let permissions: [(role: String, permissions: [(String, String?)])] = [
            (
                ownerRole,
                ["create", "read", "update", "delete", "create_acls", "read_acls", "update_acls", "delete_acls"]
                    .map { ($0, nil) }
            ),
            (
                engineerRole,
                everybody
                    + contents.flatMap { type in ["create", "read", "update", "delete"].map { ($0, type) } }
            ),
            (viewerRole, everybody + contents.map { ("read", $0) }),
        ]
        let roles: [(String, String, String)] = [
            (ownerRole, "Owner", "Everything"),
            (engineerRole, "Engineer", "Everything in projects, and to see the organization"),
            (viewerRole, "Viewer", "To see projects and the organization"),
        ]
        var statements: [SQLQuery] = roles.map { id, name, description in
            "INSERT INTO roles (id, created, name, description) VALUES (\(id), 0, \(name), \(description))"
        }
        for (role, permissions) in permissions {
            for (permission, type) in permissions {
                statements.append(
                    """
                    INSERT INTO role_permissions (role_id, permission, restrict_object_type)
                    VALUES (\(role), \(permission), \(type))
                    """
                )
            }
        }
        let groups: [(String, String, String, String)] = [
            ("owners", "Owners", "Those who may do everything", ownerRole),
            ("engineers", "Engineers", "Those who work in all projects", engineerRole),
            ("viewers", "Viewers", "Those who see all projects", viewerRole),
        ]
        for (kind, name, description, role) in groups {
            statements.append(
                """
                INSERT INTO groups (id, org_id, created, name, description, built_in)
                SELECT \(raw: dialect.randomID), id, created, \(name), \(description), \(kind) FROM organizations
                """
            )
            statements.append(
                """
                INSERT INTO acls (id, object_type, object_id, group_id, role_id, _object_org_id, created)
                SELECT \(raw: dialect.randomID), 'organization', org_id, id, \(role), org_id, created FROM groups
                WHERE built_in = \(kind)
                """
            )
        }
        statements.append(
            """
            INSERT INTO group_users (group_id, user_id)
            SELECT g.id, m.user_id FROM members AS m
            JOIN groups AS g ON g.org_id = m.org_id
                AND g.built_in = CASE m.role WHEN 'owner' THEN 'owners' ELSE 'viewers' END
            """
        )
        return statements
    }
}
