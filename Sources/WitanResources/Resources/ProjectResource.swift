package import WitanCore
package import WitanJSON

/// A project: the container of experiments, datasets, prompts and logs, and what grants on them hang on.
package enum ProjectResource {
    package static let id = Field.id("The project's id")
    package static let organization = Field.reference("org_id", to: "organization", "The organization it belongs to")
        .readOnly()
    package static let name = Field.name("What people call the project; no two of an organization share a name")
        .required()
    package static let description = Field.text("description", "What the project is for").nullable()
    package static let created = Field.timestamp("created", "When the project was made").nullable()
    package static let deleted = Field.timestamp("deleted_at", "When the project was deleted; null while it is there")
        .nullable()
    package static let user = Field.reference("user_id", to: "user", "Who made the project").nullable().patchOnly()
    package static let settings =
        Field.structure(
            "settings",
            [
                Field.text("comparison_key", "What two experiments are joined by; `input` without it").nullable().spec,
                Field<ObjectID>.any("baseline_experiment_id", "The experiment that others are compared with").nullable()
                    .spec,
                Field.structures(
                    "spanFieldOrder",
                    [
                        Field.text("object_type", "The kind of object").required().spec,
                        Field.text("column_id", "The field").required().spec,
                        Field.text("position", "Its place").required().spec,
                        Field.choice("layout", ["full", "two_column"], "Its width").nullable().spec,
                    ],
                    "The order of the fields in the view of a trace"
                )
                .nullable().spec,
                Field.structures(
                    "remote_eval_sources",
                    [
                        Field.text("url", "Its address").required().spec,
                        Field.text("name", "What people call it").nullable().spec,
                        Field.text("description", "What it is for").nullable().spec,
                    ],
                    "Where evaluations are run from"
                )
                .nullable().spec,
                Field.flag("disable_realtime_queries", "Whether queries may lag behind, which is faster").nullable()
                    .spec,
                Field<JSONObject>.object("default_preprocessor", "The function that spans go through first").nullable()
                    .spec,
            ],
            "How the project is shown and compared"
        )
        .nullable().patchOnly()

    /// The declaration.
    package static let resource = Resource(
        "project",
        tag: "Projects",
        schemaName: "Project",
        table: "projects",
        fields: [
            id.spec, organization.spec, name.spec, description.spec, created.spec, deleted.spec, user.spec,
            settings.spec,
        ],
        objectType: .project,
        operations: [
            .list: .permission(.read), .create: .permission(.create), .get: .permission(.read),
            .patch: .permission(.update), .delete: .permission(.delete),
        ],
        scope: .organization("org_id"),
        filters: [.equals("project_name", name)],
        uniqueness: .key(["org_id", "name"]),
        deletion: .soft("deleted_at")
    )
}
