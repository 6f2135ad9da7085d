package import WitanAccess
package import WitanCore
package import WitanStorage

/// What a transaction has changed that cached credentials and permissions rest on; told to the caches of all servers
/// once it is committed and before it is answered.
package struct AccessChanges: Sendable {
    /// What decides who may do what.
    package var subjects: [AccessSubject] = []

    /// Credentials that are gone for good.
    package var revokedCredentials: [ObjectID] = []

    /// Users whose credentials must be read anew.
    package var users: [ObjectID] = []

    /// Whether every credential must be read anew.
    package var allCredentials = false

    /// Whether what it was to take away was gone: by an earlier change, perhaps, which others have not applied yet.
    package var wasDoneBefore = false

    /// Nothing.
    package init() {}

    /// All of it, as servers tell each other.
    package var events: [ClusterEvent] {
        var events = subjects.map(\.event)
        events += revokedCredentials.map { .credential($0) }
        events += users.map { .credentials(userID: $0) }
        if allCredentials { events.append(.allCredentials) }
        return events
    }
}

extension AccessSubject {
    fileprivate var event: ClusterEvent {
        switch self {
        case .user(let id): .user(id)
        case .group(let id): .group(id)
        case .role(let id): .role(id)
        case .grant(let principal, let object): .grant(principal: principal, object: object)
        }
    }
}
