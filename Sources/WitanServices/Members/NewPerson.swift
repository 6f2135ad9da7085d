package import WitanCore
import WitanStorage

/// A person to make, or to find by their address.
package struct NewPerson: Sendable {
    /// The e-mail address, in the form in which it is stored.
    package let email: String

    /// The given name, if one was told.
    package let givenName: String?

    /// The family name, if one was told.
    package let familyName: String?

    /// Describes a person.
    ///
    /// - Throws: `.invalidRequest` for what is not an e-mail address.
    package init(email: String, givenName: String? = nil, familyName: String? = nil) throws(Failure) {
        guard EmailAddress.isPlausible(email) else {
            throw Failure(invalid: [
                Failure.Issue(path: ["email"], message: "must be an address like a@example.com")
            ])
        }
        self.email = AccountStore.normalized(email)
        self.givenName = givenName
        self.familyName = familyName
    }
}
