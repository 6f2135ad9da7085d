package import WitanCore

/// What a cache of credentials must know about a value: what makes it go.
package protocol CachedCredential: Sendable {
    /// The key, service token or session that was sent.
    var credentialID: ObjectID { get }

    /// The user or service account that it belongs to.
    var userID: ObjectID { get }

    /// The organization that it acts in.
    var organizationID: ObjectID { get }
}

/// Something whose change makes cached credentials go.
enum CredentialOwner: InvalidationSubject {
    case credential(ObjectID)
    case user(ObjectID)
    case organization(ObjectID)

    /// A credential is revoked for good, whatever an old snapshot of the database still says.
    var isInvalidatedForGood: Bool {
        if case .credential = self { true } else { false }
    }
}

extension CachedCredential {
    /// The three owners, in the order of the cases.
    var owners: [CredentialOwner] {
        [.credential(credentialID), .user(userID), .organization(organizationID)]
    }
}

extension CredentialOwner {
    /// The place of this kind of owner in `owners`.
    var kind: Int {
        switch self {
        case .credential: 0
        case .user: 1
        case .organization: 2
        }
    }
}
