package import WitanCore

/// An object as a person names it in a command: `project:Support`, `org_project:Acme`.
package struct ObjectReference: Sendable, Hashable {
    /// What kind of object it is.
    package let type: ObjectType

    /// Its id or its name; of what is organization-wide, its organization's.
    package let name: String

    /// The name of the organization to look in; nil for all.
    package let organization: String?

    /// Refers to an object.
    package init(_ type: ObjectType, _ name: String, in organization: String? = nil) {
        self.type = type
        self.name = name
        self.organization = organization
    }
}

extension ObjectReference {
    /// Reads the kind and the name or id, with a colon between them.
    package init(parsing text: String, in organization: String? = nil) throws(Failure) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let type = ObjectType(rawValue: String(parts[0])), !parts[1].isEmpty else {
            throw Failure(
                .invalidRequest,
                """
                Name the object in one of these forms: organization:NAME, project:NAME, group:NAME, role:NAME, \
                org_project:ORGANIZATION, org_member:ORGANIZATION or org_audit_logs:ORGANIZATION, each also with an \
                id in place of the name.
                """
            )
        }
        self.init(type, String(parts[1]), in: organization)
    }
}
