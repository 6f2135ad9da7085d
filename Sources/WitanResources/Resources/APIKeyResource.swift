package import WitanCore

/// An API key, without its secret: the nine members of the published `ApiKey`, in its order.
package enum APIKeyResource {
    package static let id = Field.id("The key's id, which is not a secret")
    package static let created = Field.timestamp("created", "When the key was made").nullable()
    package static let name = Field.name("What people call the key; any number of keys may share a name").required()
    package static let previewName = Field.text("preview_name", "The key's prefix and last four characters").readOnly()
    package static let user = Field.reference("user_id", to: "user", "The person who owns the key and for whom it acts")
        .nullable().readOnly()
    package static let userEmail = Field.text("user_email", "The owner's e-mail address").joined("email", through: user)
    package static let userGivenName = Field.text("user_given_name", "The owner's given name")
        .joined("given_name", through: user)
    package static let userFamilyName = Field.text("user_family_name", "The owner's family name")
        .joined("family_name", through: user)
    package static let organization = Field.reference("org_id", to: "organization", "The organization the key acts in")
        .nullable().readOnly()
    package static let expiresAt = Field.moment("expires_at", "From when on the key is refused; never when null")
        .nullable().whenSet()
    package static let lastUsedAt = Field.timestamp("last_used_at", "When the key was last used, to the minute")
        .nullable().hidden()

    /// The declaration.
    package static let resource = Resource(
        "api_key",
        tag: "ApiKeys",
        schemaName: "ApiKey",
        table: "api_keys",
        fields: [
            id.spec, created.spec, name.spec, previewName.spec, user.spec, userEmail.spec, userGivenName.spec,
            userFamilyName.spec, organization.spec, expiresAt.spec, lastUsedAt.spec,
        ],
        objectType: .orgMember,
        operations: [.list: .own, .create: .own, .get: .ownOr(.update), .delete: .ownOr(.update)],
        scope: .person("user_id", organization: "org_id"),
        filters: [.equals("api_key_name", name)],
        organizationList: Resource.OrganizationList("/v1/organization/api_keys", .update, on: .orgMember),
        secretMember: secretMember,
        remarks: [
            .create:
                "Names are not unique: each call makes another key. The secret is in this answer and nowhere else.",
            .list: "The list holds the caller's own keys.",
            .delete: "Once this is answered, the key is refused everywhere.",
        ]
    )

    /// The member that only the answer to a create has.
    package static let secretMember = "key"
}
