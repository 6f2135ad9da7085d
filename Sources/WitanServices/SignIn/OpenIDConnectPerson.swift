/// Who has signed in with an identity provider.
package struct OpenIDConnectPerson: Sendable, Hashable {
    /// The provider.
    package let issuer: String

    /// The person within the provider, who keeps this when the address changes; 255 ASCII characters at most.
    package let subject: String

    /// The person's address, which the provider has verified.
    package let email: String

    /// The person's name, if the provider gives one that can be used.
    package let name: String?

    /// Takes what a provider says of a person.
    package init(issuer: String, subject: String, email: String, name: String?) {
        self.issuer = issuer
        self.subject = subject
        self.email = email
        self.name = name
    }
}
