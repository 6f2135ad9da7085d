package import WitanCore

/// The roles that belong to no organization and are there in every installation (design: access control, section 1).
package enum SystemRole: String, Sendable, CaseIterable {
    case owner = "00000000-0000-7000-8000-000000000001"
    case engineer = "00000000-0000-7000-8000-000000000002"
    case viewer = "00000000-0000-7000-8000-000000000003"

    /// The role's id, which is the same everywhere.
    package var id: ObjectID {
        guard let id = ObjectID(rawValue) else { preconditionFailure("A system role's id is no UUID") }
        return id
    }
}
