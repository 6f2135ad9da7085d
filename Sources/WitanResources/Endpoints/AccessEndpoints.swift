import WitanCore
import WitanJSON

/// The endpoints of access control that no single resource makes.
package enum AccessEndpoints {
    /// `PATCH /v1/organization/members`: invites, service accounts and removals in one call.
    package static let members = Endpoint(
        method: .patch,
        path: "/v1/organization/members",
        operationID: "patchOrganizationMembers",
        tag: "Organizations",
        summary: "Modify organization membership",
        description:
            """
            Add people and service accounts to an organization, and remove them. It takes `create` on the organization's \
            `org_member` to add and `delete` to remove. Whoever is a member already, or none, is left as they are.
            """,
        body: MembershipRequest.schema,
        answer: .json(
            Schema.object([
                ("status", ["type": "string", "enum": ["success"]]),
                ("org_id", Schema.uuid),
                ("send_email_error", Schema.nullableText),
                (
                    "added_users",
                    [
                        "type": ["array", "null"],
                        "items": Schema.object([
                            ("id", Schema.uuid), ("email", Schema.nullableText), ("api_key", Schema.nullableText),
                            ("token_name", Schema.nullableText),
                        ]),
                    ]
                ),
            ]),
            summary: "What was done"
        )
    )

    /// `POST /v1/acl/batch_update`: several grants given and taken at once.
    package static let batchUpdate = batchUpdate(
        "/v1/acl/batch_update",
        operationID: "aclBatchUpdate",
        summary: "Batch update acls"
    )

    /// The same on the path that the official Python client calls, which was made from an older document.
    package static let batchUpdateWithHyphen = batchUpdate(
        "/v1/acl/batch-update",
        operationID: "aclBatchUpdateHyphen",
        summary: "Batch update acls on the older path"
    )

    private static func batchUpdate(_ path: String, operationID: String, summary: String) -> Endpoint {
        Endpoint(
            method: .post,
            path: path,
            operationID: operationID,
            tag: "Acls",
            summary: summary,
            description:
                """
                Give and take grants, all of them or none. A grant that is there already is not given again, and one that \
                is not there is not missed; the answer has those that were given and taken.
                """,
            body: ACLBatch.schema,
            answer: .json(
                Schema.object([("added_acls", acls), ("removed_acls", acls)]),
                summary: "The grants that were given and taken"
            )
        )
    }

    /// All of them, each with the OPTIONS of its path, and with the one that the published document has besides.
    package static let all =
        [members, batchUpdate, batchUpdateWithHyphen]
        + [members.path, batchUpdate.path, batchUpdateWithHyphen.path, "/v1/acl/acl/batch_update"]
        .map { Endpoint.crossOrigin($0) }

    private static let acls: JSONValue = ["type": "array", "items": ["$ref": "#/components/schemas/Acl"]]
}
