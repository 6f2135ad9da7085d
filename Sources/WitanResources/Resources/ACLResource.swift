package import WitanCore

/// A grant: a permission or a role for a user or a group, on an object and on what is in it.
package enum ACLResource {
    package static let id = Field.id("The grant's id")
    package static let objectType = Field.objectType("object_type", "The kind of the object that it is given on")
        .required()
    package static let objectID = Field<ObjectID>
        .any(
            "object_id",
            "The object that it is given on; for `org_member`, `org_project` and `org_audit_logs` the organization"
        )
        .required()
    package static let user = Field.reference("user_id", to: "user", "Who gets it; this or `group_id`").nullable()
    package static let group = Field.reference("group_id", to: "group", "The group that gets it; this or `user_id`")
        .nullable()
    package static let permission = Field.permission("permission", "What may be done; this or `role_id`").nullable()
    package static let restriction =
        Field.objectType(
            "restrict_object_type",
            "The one kind of object that it may be done to; only with `permission`"
        )
        .nullable()
    package static let role = Field.reference("role_id", to: "role", "The role that is given; this or `permission`")
        .nullable()
    package static let organization =
        Field.reference(
            "_object_org_id",
            to: "organization",
            "The organization that the object belongs to"
        )
        .readOnly()
    package static let created = Field.timestamp("created", "When it was given").nullable()

    /// The declaration.
    package static let resource = Resource(
        "acl",
        tag: "Acls",
        schemaName: "Acl",
        table: "acls",
        fields: [
            id.spec, objectType.spec, objectID.spec, user.spec, group.spec, permission.spec, restriction.spec,
            role.spec, organization.spec, created.spec,
        ],
        objectType: .organization,
        operations: [
            .list: .permission(.readACLs), .create: .permission(.createACLs), .get: .permission(.readACLs),
            .delete: .permission(.deleteACLs),
        ],
        scope: .grants(type: "object_type", object: "object_id", organization: "_object_org_id"),
        filters: [
            .equals("object_type", objectType, isRequired: true), .equals("object_id", objectID, isRequired: true),
            .equals("user_id", user), .equals("group_id", group), .equals("permission", permission),
            .equals("restrict_object_type", restriction), .equals("role_id", role),
        ],
        organizationList: Resource.OrganizationList(
            "/v1/acl/list_org",
            .readACLs,
            on: .organization,
            isBareArray: true
        ),
        uniqueness: .key([
            "object_type", "object_id", "user_id", "group_id", "permission", "restrict_object_type", "role_id",
        ]),
        deletionBody: .content,
        remarks: [
            .create:
                """
            Nobody gives what they do not hold themselves, unless they hold `update_acls` on the organization.
            """
        ]
    )
}
