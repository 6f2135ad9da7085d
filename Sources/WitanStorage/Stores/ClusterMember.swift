package import WitanCore

/// A server among several on one database, as its row shows it.
package struct ClusterMember: Sendable, Hashable {
    /// The id of its registration: another one each time.
    package let id: ObjectID

    /// What people know it by.
    package let name: String

    /// The newest change that it has applied, together with all before.
    package let applied: Int64

    /// How often it has asked for changes; each answer finds another number.
    package let renewals: Int64

    /// Names who refuses it from now on; nil while nobody does.
    package let eviction: ObjectID?

    /// Describes a row.
    package init(id: ObjectID, name: String, applied: Int64, renewals: Int64, eviction: ObjectID? = nil) {
        self.id = id
        self.name = name
        self.applied = applied
        self.renewals = renewals
        self.eviction = eviction
    }
}
