package import WitanAccess
import WitanCore
package import WitanStorage

extension ClusterEvent {
    /// Makes the caches forget what the events have made wrong.
    ///
    /// The one way for the changes of this process and for those of others, so that no kind can be forgotten for one.
    package static func apply<Value>(
        _ events: some Sequence<ClusterEvent>,
        to credentials: CredentialCache<Value>,
        _ history: AccessHistory
    ) {
        var subjects: [AccessSubject] = []
        for event in events {
            switch event {
            case .credential(let id): credentials.revoke(credentialID: id)
            case .credentials(let userID): credentials.invalidate(userID: userID)
            case .allCredentials: credentials.removeAll()
            case .user(let id): subjects.append(.user(id))
            case .group(let id): subjects.append(.group(id))
            case .role(let id): subjects.append(.role(id))
            case .grant(let principal, let object): subjects.append(.grant(principal: principal, object: object))
            case .everything:
                credentials.removeAll()
                history.recordAll()
            }
        }
        if !subjects.isEmpty { history.record(subjects) }
    }
}
