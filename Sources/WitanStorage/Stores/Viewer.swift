package import WitanCore

/// For whom rows are read: what the visibility rules of `Resource.Scope` look at.
package struct Viewer: Sendable, Hashable {
    /// The person.
    package let userID: ObjectID

    /// The organizations to look in, all of which the person is a member of.
    package var organizations: [ObjectID]

    /// Those of them that the person owns.
    package var ownedOrganizations: [ObjectID]

    /// Names a person and the organizations to look in.
    package init(userID: ObjectID, organizations: [ObjectID], ownedOrganizations: [ObjectID]) {
        self.userID = userID
        self.organizations = organizations
        self.ownedOrganizations = ownedOrganizations
    }
}
