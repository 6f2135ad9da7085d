package import WitanCore

/// One permission of a role, its own or one that it takes from a member role.
package struct RolePermission: Sendable, Hashable {
    /// The role that was asked for.
    package let roleID: ObjectID

    /// The role that has the permission: the same, or one of its member roles at any depth.
    package let sourceID: ObjectID

    /// The permission; nil when the source has none of its own.
    package let permission: Permission?

    /// The one kind of object that it is restricted to.
    package let restriction: ObjectType?
}
