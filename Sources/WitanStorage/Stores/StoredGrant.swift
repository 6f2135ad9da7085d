package import WitanCore

/// A grant's row, as far as its evaluation needs it.
package struct StoredGrant: Sendable, Hashable {
    /// The grant's id.
    package let id: ObjectID

    /// The user or group that it is given to.
    package let principal: ObjectID

    /// Whether the principal is a group.
    package let isToGroup: Bool

    /// What it is given on.
    package let object: AccessObject

    /// The permission; nil when a role is given.
    package let permission: Permission?

    /// The one kind of object that the permission is restricted to.
    package let restriction: ObjectType?

    /// The role; nil when a permission is given.
    package let roleID: ObjectID?

    /// Describes a grant.
    package init(
        id: ObjectID,
        principal: ObjectID,
        isToGroup: Bool,
        object: AccessObject,
        permission: Permission?,
        restriction: ObjectType?,
        roleID: ObjectID?
    ) {
        self.id = id
        self.principal = principal
        self.isToGroup = isToGroup
        self.object = object
        self.permission = permission
        self.restriction = restriction
        self.roleID = roleID
    }
}
