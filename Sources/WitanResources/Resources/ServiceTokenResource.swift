package import WitanCore

/// The token of a service account, without its secret: it works wherever an API key works.
package enum ServiceTokenResource {
    package static let id = Field.id("The token's id, which is not a secret")
    package static let created = Field.timestamp("created", "When the token was made").nullable()
    package static let name = Field.name("What people call the token; any number of tokens may share a name")
        .required()
    package static let previewName = Field.text("preview_name", "The token's prefix and last four characters")
        .readOnly()
    package static let account =
        Field.reference(
            "service_account_id",
            to: "user",
            "The service account that the token acts for"
        )
        .required()
    package static let accountEmail = Field.text("service_account_email", "The account's address, which takes no mail")
        .joined("email", through: account)
    package static let accountName = Field.text("service_account_name", "The account's name")
        .joined("given_name", through: account)
    package static let organization = Field.reference("org_id", to: "organization", "The organization it acts in")
        .nullable().readOnly()
    package static let expiresAt = Field.moment("expires_at", "From when on the token is refused; never when null")
        .nullable().whenSet()
    package static let lastUsedAt = Field.timestamp("last_used_at", "When the token was last used, to the minute")
        .nullable().hidden()

    /// The declaration.
    package static let resource = Resource(
        "service_token",
        tag: "ServiceTokens",
        schemaName: "ServiceToken",
        table: "service_tokens",
        fields: [
            id.spec, created.spec, name.spec, previewName.spec, account.spec, accountEmail.spec, accountName.spec,
            organization.spec, expiresAt.spec, lastUsedAt.spec,
        ],
        objectType: .orgMember,
        operations: [
            .list: .ownOr(.update), .create: .permission(.update), .replace: .permission(.update),
            .get: .ownOr(.update), .delete: .ownOr(.update),
        ],
        scope: .person("service_account_id", organization: "org_id"),
        filters: [.equals("service_token_name", name)],
        uniqueness: .replacedBy(["org_id", "service_account_id", "name"]),
        deletionBody: .id,
        secretMember: APIKeyResource.secretMember,
        remarks: [
            .create:
                "Names are not unique: each call makes another token. The secret is in this answer and nowhere else.",
            .replace:
                "A token that is replaced keeps its id and gets a new secret; the old one is refused from then on.",
            .delete: "Once this is answered, the token is refused everywhere.",
        ]
    )
}
