package import WitanAccess
package import WitanCore

/// What a transaction has changed that cached credentials and permissions rest on; told to the caches once it is
/// committed and before it is answered.
package struct AccessChanges: Sendable {
    /// What decides who may do what.
    package var subjects: [AccessSubject] = []

    /// Credentials that are gone for good.
    package var revokedCredentials: [ObjectID] = []

    /// Users whose credentials must be read anew.
    package var users: [ObjectID] = []

    /// Whether every credential must be read anew.
    package var allCredentials = false

    /// Nothing.
    package init() {}
}
