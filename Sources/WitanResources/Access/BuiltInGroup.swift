/// The groups that each organization is born with; they cannot be deleted or renamed.
package enum BuiltInGroup: String, Sendable, CaseIterable {
    case owners
    case engineers
    case viewers

    /// What people call the group.
    package var name: String {
        switch self {
        case .owners: "Owners"
        case .engineers: "Engineers"
        case .viewers: "Viewers"
        }
    }

    /// What the group is for.
    package var description: String {
        switch self {
        case .owners: "Those who may do everything"
        case .engineers: "Those who work in all projects"
        case .viewers: "Those who see all projects"
        }
    }

    /// The role that the group has on its organization.
    package var role: SystemRole {
        switch self {
        case .owners: .owner
        case .engineers: .engineer
        case .viewers: .viewer
        }
    }
}
