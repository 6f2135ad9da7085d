package import WitanCore

/// Something that a change has made wrong in what servers keep in memory, as they tell each other of it.
package enum ClusterEvent: Sendable, Hashable {
    /// A credential is gone for good.
    case credential(ObjectID)

    /// The credentials of a user or service account must be read anew.
    case credentials(userID: ObjectID)

    /// Every credential must be read anew.
    case allCredentials

    /// The organizations and groups that a user or service account is in.
    case user(ObjectID)

    /// A group's own members and member groups.
    case group(ObjectID)

    /// A role's own permissions and member roles.
    case role(ObjectID)

    /// All that one user, service account or group was granted on one object itself.
    case grant(principal: ObjectID, object: ObjectID)

    /// Anything.
    case everything
}

// MARK: As rows

extension ClusterEvent {
    private enum Kind: String {
        case credential
        case credentials
        case allCredentials = "all_credentials"
        case user
        case group
        case role
        case grant
        case everything
    }

    /// Reads a row.
    ///
    /// One that cannot be read was written by another version, and may mean anything.
    init(kind: String, subject: String) {
        let ids = subject.split(separator: " ").compactMap { ObjectID($0) }
        switch (Kind(rawValue: kind), ids.count) {
        case (.credential, 1): self = .credential(ids[0])
        case (.credentials, 1): self = .credentials(userID: ids[0])
        case (.allCredentials, 0): self = .allCredentials
        case (.user, 1): self = .user(ids[0])
        case (.group, 1): self = .group(ids[0])
        case (.role, 1): self = .role(ids[0])
        case (.grant, 2): self = .grant(principal: ids[0], object: ids[1])
        default: self = .everything
        }
    }

    /// The row's kind.
    var kind: String {
        let kind: Kind =
            switch self {
            case .credential: .credential
            case .credentials: .credentials
            case .allCredentials: .allCredentials
            case .user: .user
            case .group: .group
            case .role: .role
            case .grant: .grant
            case .everything: .everything
            }
        return kind.rawValue
    }

    /// The ids of the row, with a space between two.
    var subject: String {
        switch self {
        case .credential(let id), .credentials(let id), .user(let id), .group(let id), .role(let id): id.description
        case .grant(let principal, let object): "\(principal) \(object)"
        case .allCredentials, .everything: ""
        }
    }
}
