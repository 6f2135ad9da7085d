package import WitanCore

/// A set of permissions with a name, which takes over those of its member roles.
///
/// The roles Owner, Engineer and Viewer belong to no organization: everybody sees and may give them, nobody changes them.
package enum RoleResource {
    package static let id = Field.id("The role's id")
    package static let organization =
        Field.reference(
            "org_id",
            to: "organization",
            "The organization it belongs to; null for a system role, which all can use and none can change"
        )
        .nullable().readOnly()
    package static let user = Field.reference("user_id", to: "user", "Who made the role").nullable().readOnly()
    package static let created = Field.timestamp("created", "When the role was made").nullable()
    package static let name = Field.name("What people call the role; no two of an organization share a name")
        .required()
    package static let description = Field.text("description", "What the role is for").nullable()
    package static let deleted = Field.timestamp("deleted_at", "When the role was deleted; null while it is there")
        .nullable()
    package static let permission = Field.permission("permission", "What may be done").required()
    package static let restriction =
        Field.objectType(
            "restrict_object_type",
            "The one kind of object that it may be done to; null for all"
        )
        .nullable()
    package static let memberPermissions =
        Field.structures(
            "member_permissions",
            [permission.spec, restriction.spec],
            in: "role_permissions",
            owner: "role_id",
            "The permissions of the role's own"
        )
        .nullable()
    package static let memberRoles =
        Field.references(
            "member_roles",
            to: "role",
            in: "role_roles",
            owner: "role_id",
            item: "member_role_id",
            "The roles whose permissions, theirs and those that they take from others, the role has too"
        )
        .nullable()

    /// The declaration.
    package static let resource = Resource(
        "role",
        tag: "Roles",
        schemaName: "Role",
        table: "roles",
        fields: [
            id.spec, organization.spec, user.spec, created.spec, name.spec, description.spec, deleted.spec,
            memberPermissions.spec, memberRoles.spec,
        ],
        objectType: .role,
        operations: [
            .list: .permission(.read), .create: .permission(.create), .replace: .permission(.update),
            .get: .permission(.read), .patch: .permission(.update), .delete: .permission(.delete),
        ],
        scope: .organization("org_id", sharesOthers: true),
        filters: [.equals("role_name", name)],
        uniqueness: .key(["org_id", "name"]),
        deletion: .soft("deleted_at"),
        remarks: [
            .patch:
                """
            Whoever adds permissions must hold them wherever the role is given, or `update_acls` on the organization.
            """
        ]
    )
}
