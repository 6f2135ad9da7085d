/// A table that `witan copy` moves from one database to another.
///
/// Its columns are written out, and a test compares them with the schema: a column that nobody listed would stay behind.
package struct CopiedTable: Sendable, Hashable {
    /// A part of the key that rows are ordered and found again by.
    struct KeyPart: Sendable, Hashable, ExpressibleByStringLiteral {
        /// The column.
        let column: String

        /// Whether the index holds an empty text where the column is null, since a key has no nulls.
        let holdsEmptyForNull: Bool

        init(stringLiteral column: String) {
            self.init(column: column, holdsEmptyForNull: false)
        }

        private init(column: String, holdsEmptyForNull: Bool) {
            self.column = column
            self.holdsEmptyForNull = holdsEmptyForNull
        }

        static func emptyForNull(_ column: String) -> KeyPart {
            KeyPart(column: column, holdsEmptyForNull: true)
        }

        /// What the index is made of.
        var expression: SQLQuery {
            holdsEmptyForNull ? "COALESCE(\(identifier: column), '')" : "\(identifier: column)"
        }
    }

    /// The table's name.
    package let name: String

    /// All of its columns, in the order in which a row is written and its checksum made.
    package let columns: [String]

    /// The columns whose length is not known beforehand: texts and bytes.
    let longColumns: [String]

    /// What the unique index is made of that rows are read in the order of.
    let key: [KeyPart]

    /// Whether the migrations put rows into it, which a copy replaces by the source's.
    package let isFilledByMigrations: Bool

    private let keyPositions: [Int]

    private init(
        _ name: String,
        key: [KeyPart],
        texts: [String] = [],
        integers: [String] = [],
        blobs: [String] = [],
        isFilledByMigrations: Bool = false
    ) {
        self.name = name
        self.key = key
        self.isFilledByMigrations = isFilledByMigrations
        let columns = texts + integers + blobs
        self.columns = columns
        longColumns = texts + blobs
        keyPositions = key.map { part in
            guard let position = columns.firstIndex(of: part.column) else {
                preconditionFailure("The key of \(name) has a column that the table has not")
            }
            return position
        }
    }

    /// The key of a row that holds all columns.
    func key(of row: SQLRow) -> [SQLValue] {
        zip(key, keyPositions)
            .map { part, position in
                part.holdsEmptyForNull && row[position] == .null ? "" : row[position]
            }
    }
}

extension CopiedTable {
    /// Every table of an installation, each after those that it refers to.
    package static let all: [CopiedTable] = accounts + access + credentials + auditLog + [clock]

    /// The tables of the schema that are not copied: each database has its own steps, nodes, and news for its nodes.
    package static let notCopied: Set<String> = ["schema_migrations", "cluster_events", "cluster_nodes"]

    private static let accounts = [
        CopiedTable(
            "organizations",
            key: ["id"],
            texts: ["id", "name", "api_url", "proxy_url", "realtime_url", "image_rendering_mode"],
            integers: ["is_universal_api", "is_dataplane_private", "created", "grants_ownership"]
        ),
        CopiedTable(
            "users",
            key: ["id"],
            texts: ["id", "given_name", "family_name", "email", "avatar_url", "service_org_id"],
            integers: ["created"]
        ),
        CopiedTable("members", key: ["user_id", "org_id"], texts: ["user_id", "org_id"], integers: ["created"]),
    ]

    private static let access = [
        CopiedTable(
            "groups",
            key: ["id"],
            texts: ["id", "org_id", "user_id", "name", "description", "built_in"],
            integers: ["created", "deleted_at"]
        ),
        CopiedTable("group_users", key: ["group_id", "user_id"], texts: ["group_id", "user_id"]),
        CopiedTable("group_groups", key: ["group_id", "member_group_id"], texts: ["group_id", "member_group_id"]),
        CopiedTable(
            "roles",
            key: ["id"],
            texts: ["id", "org_id", "user_id", "name", "description"],
            integers: ["created", "deleted_at"],
            isFilledByMigrations: true
        ),
        CopiedTable(
            "role_permissions",
            key: ["role_id", "permission", .emptyForNull("restrict_object_type")],
            texts: ["role_id", "permission", "restrict_object_type"],
            isFilledByMigrations: true
        ),
        CopiedTable("role_roles", key: ["role_id", "member_role_id"], texts: ["role_id", "member_role_id"]),
        CopiedTable(
            "acls",
            key: ["id"],
            texts: [
                "id", "object_type", "object_id", "user_id", "group_id", "permission", "restrict_object_type",
                "role_id", "_object_org_id",
            ],
            integers: ["created"]
        ),
        CopiedTable(
            "projects",
            key: ["id"],
            texts: ["id", "org_id", "name", "description", "user_id", "settings"],
            integers: ["created", "deleted_at"]
        ),
    ]

    private static let credentials = [
        CopiedTable("peppers", key: ["version"], integers: ["version", "created"], blobs: ["check_value"]),
        CopiedTable(
            "api_keys",
            key: ["id"],
            texts: ["id", "name", "preview_name", "user_id", "org_id"],
            integers: ["created", "pepper_version", "expires_at", "last_used_at"],
            blobs: ["digest"]
        ),
        CopiedTable(
            "service_tokens",
            key: ["id"],
            texts: ["id", "name", "preview_name", "service_account_id", "org_id"],
            integers: ["created", "pepper_version", "expires_at", "last_used_at"],
            blobs: ["digest"]
        ),
        CopiedTable("passwords", key: ["user_id"], texts: ["user_id", "hash"], integers: ["changed"]),
        CopiedTable(
            "sessions",
            key: ["id"],
            texts: ["id", "user_id", "method", "client_address", "user_agent"],
            integers: ["created", "expires_at", "last_used_at", "pepper_version"],
            blobs: ["digest"]
        ),
        CopiedTable("used_sign_in_links", key: ["id"], texts: ["id"], integers: ["expires_at"]),
    ]

    private static let auditLog = [
        CopiedTable(
            "audit_events",
            key: ["chain", "position"],
            texts: [
                "chain", "id", "event_type", "outcome", "org_id", "actor_id", "actor_email", "authentication",
                "credential_id", "object_type", "object_id", "object_name", "client_address", "user_agent", "trace_id",
                "impersonated_id", "impersonated_email", "details",
            ],
            integers: ["position", "created", "occurrences"],
            blobs: ["mac"]
        ),
        CopiedTable("audit_chains", key: ["chain"], texts: ["chain"], integers: ["position"], blobs: ["mac", "seal"]),
    ]

    /// Whose numbers go on where they were: clients compare them.
    private static let clock = CopiedTable(
        "cluster_clock",
        key: ["id"],
        integers: ["id", "seq"],
        isFilledByMigrations: true
    )

    /// Tables of a few rows that tell one installation from any other, and from itself before its last change: each
    /// change writes a row of the audit log, whose chain's end is one of these.
    static let identifying = all.filter { ["peppers", "audit_chains", "cluster_clock"].contains($0.name) }
}
