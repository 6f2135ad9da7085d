package import WitanCore

/// Something whose change may change what somebody may do.
package enum AccessSubject: Hashable, Sendable {
    /// What organizations and groups a user or service account is in.
    case user(ObjectID)

    /// A group's own members and member groups.
    case group(ObjectID)

    /// A role's own permissions and member roles.
    case role(ObjectID)

    /// All that one user, service account or group was granted on one object itself.
    case grant(principal: ObjectID, object: ObjectID)
}

extension AccessSubject: InvalidationSubject {
    /// Memberships and grants come back; whoever reads them after the change reads them right.
    var isInvalidatedForGood: Bool { false }
}
