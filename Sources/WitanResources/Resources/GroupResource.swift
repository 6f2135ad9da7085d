package import WitanCore

/// A group of users, service accounts among them, and of other groups, to which grants can be given.
package enum GroupResource {
    package static let id = Field.id("The group's id")
    package static let organization = Field.reference("org_id", to: "organization", "The organization it belongs to")
        .readOnly()
    package static let user = Field.reference("user_id", to: "user", "Who made the group").nullable().readOnly()
    package static let created = Field.timestamp("created", "When the group was made").nullable()
    package static let name = Field.name("What people call the group; no two of an organization share a name")
        .required()
    package static let description = Field.text("description", "What the group is for").nullable()
    package static let deleted = Field.timestamp("deleted_at", "When the group was deleted; null while it is there")
        .nullable()
    package static let memberUsers =
        Field.references(
            "member_users",
            to: "user",
            in: "group_users",
            owner: "group_id",
            item: "user_id",
            "The users in the group"
        )
        .nullable()
    package static let memberGroups =
        Field.references(
            "member_groups",
            to: "group",
            in: "group_groups",
            owner: "group_id",
            item: "member_group_id",
            "The groups whose users, theirs and those that they take from others, are in the group too"
        )
        .nullable()

    /// The declaration.
    package static let resource = Resource(
        "group",
        tag: "Groups",
        schemaName: "Group",
        table: "groups",
        fields: [
            id.spec, organization.spec, user.spec, created.spec, name.spec, description.spec, deleted.spec,
            memberUsers.spec, memberGroups.spec,
        ],
        objectType: .group,
        operations: [
            .list: .permission(.read), .create: .permission(.create), .replace: .permission(.update),
            .get: .permission(.read), .patch: .permission(.update), .delete: .permission(.delete),
        ],
        scope: .organization("org_id"),
        filters: [.equals("group_name", name)],
        uniqueness: .key(["org_id", "name"]),
        deletion: .soft("deleted_at"),
        remarks: [
            .patch:
                "Whoever adds members must hold what the group is given, or `update_acls` on the organization.",
            .delete: "The groups Owners, Engineers and Viewers cannot be deleted.",
        ]
    )
}
