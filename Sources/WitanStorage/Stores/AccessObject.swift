package import WitanCore

/// Something that grants can be given on.
package struct AccessObject: Sendable, Hashable {
    /// What kind of object it is.
    package let type: ObjectType

    /// Its id; for what is organization-wide, the organization's.
    package let id: ObjectID

    /// The organization that it belongs to.
    package let organizationID: ObjectID

    /// Names an object.
    package init(_ type: ObjectType, _ id: ObjectID, in organizationID: ObjectID) {
        self.type = type
        self.id = id
        self.organizationID = organizationID
    }

    /// What stands for all objects of a kind in an organization.
    package static func organizationWide(_ type: ObjectType, _ organizationID: ObjectID) -> AccessObject {
        AccessObject(type, organizationID, in: organizationID)
    }
}
