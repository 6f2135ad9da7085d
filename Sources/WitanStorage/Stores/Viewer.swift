package import WitanCore

/// For whom rows are read: what decides which rows of a list are visible.
package struct Viewer: Sendable, Hashable {
    /// Rows that are visible only by a grant on each of them.
    package struct Granted: Sendable, Hashable {
        /// The organization that the rows belong to.
        package let organizationID: ObjectID

        /// The groups that hold the user.
        package let groups: [ObjectID]

        /// The permission that makes a row visible.
        package let permission: Permission

        /// What kind of objects the rows are.
        package let type: ObjectType

        /// Describes them.
        package init(organizationID: ObjectID, groups: [ObjectID], permission: Permission, type: ObjectType) {
            self.organizationID = organizationID
            self.groups = groups
            self.permission = permission
            self.type = type
        }
    }

    /// The user.
    package let userID: ObjectID

    /// The organizations to look in, all of which the user is a member of.
    package var organizations: [ObjectID]

    /// Those of them of which every row is visible.
    package var wholeOrganizations: [ObjectID]

    /// What is visible in others of them.
    package var granted: [Granted]

    /// Whether what is the user's own is visible besides.
    package var seesOwn: Bool

    /// Describes what a user can see.
    package init(
        userID: ObjectID,
        organizations: [ObjectID],
        wholeOrganizations: [ObjectID] = [],
        granted: [Granted] = [],
        seesOwn: Bool = false
    ) {
        self.userID = userID
        self.organizations = organizations
        self.wholeOrganizations = wholeOrganizations
        self.granted = granted
        self.seesOwn = seesOwn
    }
}
