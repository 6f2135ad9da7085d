package import WitanCore

/// A person, or a service account, whose name is its given name and whose address takes no mail.
package enum UserResource {
    package static let id = Field.id("The person's id")
    package static let givenName = Field.text("given_name", "The person's given name").nullable()
    package static let familyName = Field.text("family_name", "The person's family name").nullable()
    package static let email = Field.text("email", "The person's e-mail address, in lower case").nullable()
    package static let avatarURL = Field.text("avatar_url", "The address of the person's picture").nullable()
    package static let created = Field.timestamp("created", "When the person was added").nullable()

    /// The declaration.
    package static let resource = Resource(
        "user",
        tag: "Users",
        schemaName: "User",
        table: "users",
        fields: [id.spec, givenName.spec, familyName.spec, email.spec, avatarURL.spec, created.spec],
        objectType: .orgMember,
        operations: [.list: .ownOr(.read), .get: .ownOr(.read)],
        scope: .members,
        filters: [
            .equals("given_name", givenName, isRepeatable: true),
            .equals("family_name", familyName, isRepeatable: true),
            .equals("email", email, isRepeatable: true),
        ]
    )
}
