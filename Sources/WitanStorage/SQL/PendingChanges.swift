package import WitanCore

/// What stores have set, by name, in transactions that share a commit.
package struct PendingChanges {
    private var changes: [String: any PendingChange] = [:]

    /// Nothing yet.
    package init() {}

    /// What is set under a name.
    package subscript(name: String) -> (any PendingChange)? {
        get { changes[name] }
        set { changes[name] = newValue }
    }

    /// Writes everything, in the order of the names, which is the same on every node.
    package func write(on connection: any SQLConnection) throws(Failure) {
        for (_, change) in changes.sorted(by: { $0.key < $1.key }) { try change.write(on: connection) }
    }
}
