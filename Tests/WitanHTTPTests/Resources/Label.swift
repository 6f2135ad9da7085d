import WitanCore
import WitanJSON
import WitanResources
import WitanStorage

/// A resource that only the tests have: with every operation, a natural key and soft deletion.
///
/// All that a resource needs is this declaration, a line in the catalog (here `Subject.all`) and its migration.
enum Label {
    static let id = Field.id("The label's id")
    static let organization = Field.reference("org_id", to: "organization", "The organization").readOnly()
    static let created = Field.timestamp("created", "When it was made")
    static let name = Field.name("The label's name").required()
    static let description = Field.text("description", "What it is for").nullable()
    static let settings = Field.object("settings", "What it says").nullable()
    static let isPublic = Field.flag("is_public", "Whether all see it").nullable()
    static let mode = Field.choice("mode", ["open", "closed"], "How it is given").nullable()
    static let deleted = Field.timestamp("deleted_at", "When it was deleted").nullable()

    static let resource = Resource(
        "label",
        tag: "Labels",
        schemaName: "Label",
        table: "labels",
        fields: [
            id.spec, organization.spec, created.spec, name.spec, description.spec, settings.spec, isPublic.spec,
            mode.spec, deleted.spec,
        ],
        objectType: .role,
        operations: [
            .list: .permission(.read), .create: .permission(.read), .replace: .permission(.read),
            .get: .permission(.read), .patch: .permission(.read), .delete: .permission(.delete),
        ],
        scope: .organization("org_id"),
        filters: [.equals("label_name", name)],
        uniqueness: .key(["org_id", "name"]),
        deletion: .soft("deleted_at")
    )

    static let migration = Migration(Migration.all.count + 1, "labels") { dialect in
        [
            """
            CREATE TABLE labels (
                id TEXT NOT NULL PRIMARY KEY,
                org_id TEXT NOT NULL REFERENCES organizations (id),
                created \(raw: dialect.integerType) NOT NULL,
                name TEXT NOT NULL,
                description TEXT,
                settings TEXT,
                is_public \(raw: dialect.integerType),
                mode TEXT,
                deleted_at \(raw: dialect.integerType)
            )\(raw: dialect.tableSuffix)
            """,
            "CREATE UNIQUE INDEX labels_by_name ON labels (org_id, name) WHERE deleted_at IS NULL",
            "CREATE INDEX labels_by_organization ON labels (org_id, created, id)",
        ]
    }
}
