package import WitanCore
package import WitanJSON

/// What `PATCH /v1/organization/members` is asked to do.
package struct MembershipRequest: Sendable {
    /// A service account to make.
    package struct ServiceAccount: Sendable, Hashable {
        /// What people call it.
        package let name: String

        /// The name of a first token for it; nil for none.
        package let tokenName: String?

        /// From when on the first token is refused; nil for never.
        ///
        /// No body of the API's says it.
        package var tokenExpiresAt: Timestamp?

        /// Describes one.
        package init(name: String, tokenName: String? = nil) {
            self.name = name
            self.tokenName = tokenName
        }
    }

    /// Users to invite.
    package var inviteIDs: [ObjectID] = []

    /// Addresses of people to invite.
    package var inviteEmails: [String] = []

    /// Service accounts to make.
    package var serviceAccounts: [ServiceAccount] = []

    /// Whether those who were added get a mail.
    package var sendsMail = false

    /// The groups that new members come into.
    package var groupIDs: [ObjectID] = []

    /// The names of further such groups.
    package var groupNames: [String] = []

    /// Users to remove.
    package var removeIDs: [ObjectID] = []

    /// Addresses of users to remove.
    package var removeEmails: [String] = []

    /// The organization that the body names by id.
    package var organizationID: ObjectID?

    /// The organization that the body names by name.
    package var organizationName: String?

    /// A request for nothing.
    package init() {}

    /// Whether anybody is to be added.
    package var adds: Bool { !(inviteIDs.isEmpty && inviteEmails.isEmpty && serviceAccounts.isEmpty) }

    /// Whether anybody is to be removed.
    package var removes: Bool { !(removeIDs.isEmpty && removeEmails.isEmpty) }
}

extension MembershipRequest {
    private static let limit = Limits().batchItems

    private static let groupLimit = Limits().invitationGroups

    private static let members: [FieldSpec] = [
        Field.structure(
            "invite_users",
            [
                Field.references("ids", to: "user", "Users that the caller knows").limited(to: limit).nullable().spec,
                Field.emails("emails", "Addresses of people").limited(to: limit).nullable().spec,
                Field.structures(
                    "service_accounts",
                    [
                        Field.name("What people call the service account").required().spec,
                        Field.name("The name of a first token for it", member: "token_name").nullable().spec,
                    ],
                    "Service accounts to make"
                )
                .limited(to: limit).nullable().spec,
                Field.flag("send_invite_emails", "Whether those who are added get a mail").nullable().spec,
                Field.references("group_ids", to: "group", "The groups that new members come into")
                    .limited(to: groupLimit).nullable().spec,
                Field.texts("group_names", "The names of such groups").limited(to: groupLimit).nullable().spec,
                Field.reference("group_id", to: "group", "One such group").nullable().spec,
                Field.text("group_name", "The name of one such group").nullable().spec,
            ],
            "Whom to add"
        )
        .nullable().spec,
        Field.structure(
            "remove_users",
            [
                Field.references("ids", to: "user", "Users of the organization").limited(to: limit).nullable().spec,
                Field.texts("emails", "Their addresses").limited(to: limit).nullable().spec,
            ],
            "Whom to remove"
        )
        .nullable().spec,
        Field.text("org_name", "The name of the organization, for a caller who is in several").nullable().spec,
        Field<ObjectID>.any("org_id", "Its id, which goes before its name").nullable().spec,
    ]

    /// The JSON Schema of the body.
    package static let schema = FieldSpec(name: "body", kind: .structure(members), summary: "Whom to add and to remove")
        .schema

    /// Reads a body.
    ///
    /// - Throws: `.invalidRequest` that names each member at fault and what was expected there.
    package init(body: JSONValue) throws(Failure) {
        let body = try JSONObject(body: body, members: Self.members)
        func texts(_ value: JSONValue?) -> [String] { value?.array?.compactMap(\.string) ?? [] }
        func ids(_ value: JSONValue?) -> [ObjectID] { texts(value).compactMap { ObjectID($0) } }
        if let invite = body["invite_users"]?.object {
            inviteIDs = ids(invite["ids"])
            inviteEmails = texts(invite["emails"])
            serviceAccounts = (invite["service_accounts"]?.array ?? [])
                .compactMap { item in
                    item.object?["name"]?.string
                        .map { ServiceAccount(name: $0, tokenName: item.object?["token_name"]?.string) }
                }
            sendsMail = invite["send_invite_emails"] == .bool(true)
            groupIDs = ids(invite["group_ids"]) + ids(invite["group_id"].map { [$0] })
            groupNames = texts(invite["group_names"]) + texts(invite["group_name"].map { [$0] })
        }
        removeIDs = ids(body["remove_users"]?.object?["ids"])
        removeEmails = texts(body["remove_users"]?.object?["emails"])
        organizationName = body["org_name"]?.string
        organizationID = body["org_id"]?.string.flatMap { ObjectID($0) }
    }
}
