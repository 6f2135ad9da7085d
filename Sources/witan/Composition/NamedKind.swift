import WitanCore
import WitanJSON
import WitanResources
import WitanServices

/// A kind of object that a person names, and how the API finds one by its name.
struct NamedKind: Sendable {
    /// What the API serves it as.
    let resource: Resource

    /// What people call it.
    let noun: String

    /// The member that has the name.
    let member: String

    /// The query parameter that takes the name; nil where there is none, and the list is short.
    let parameter: String?

    /// The command that lists them, if there is one.
    var listing: String?

    /// What stands before a name where several kinds are named: `group:`.
    var prefix = ""

    /// Which of the resource's objects it is.
    var includes: @Sendable (JSONObject) -> Bool = { _ in true }

    static let organization = NamedKind(
        resource: OrganizationResource.resource,
        noun: "organization",
        member: "name",
        parameter: nil,
        listing: "organizations list"
    )

    static let group = NamedKind(
        resource: GroupResource.resource,
        noun: "group",
        member: "name",
        parameter: "group_name",
        listing: "groups list",
        prefix: "group:"
    )

    static let role = NamedKind(
        resource: RoleResource.resource,
        noun: "role",
        member: "name",
        parameter: "role_name",
        listing: "roles list"
    )

    static let project = NamedKind(
        resource: ProjectResource.resource,
        noun: "project",
        member: "name",
        parameter: "project_name"
    )

    static let member = NamedKind(
        resource: UserResource.resource,
        noun: "member",
        member: "email",
        parameter: "email",
        listing: "members list"
    )

    static let serviceAccount = NamedKind(
        resource: UserResource.resource,
        noun: "service account",
        member: "given_name",
        parameter: "given_name",
        listing: "service-accounts list",
        prefix: "service-account:",
        includes: \.isServiceAccount
    )

    /// The kind whose objects stand for, or are, those that grants are given on; nil for what this version does not keep.
    init?(_ type: ObjectType) {
        switch type {
        case .organization, .orgMember, .orgProject, .orgAuditLogs: self = .organization
        case .project: self = .project
        case .group: self = .group
        case .role: self = .role
        case .experiment, .dataset, .prompt, .promptSession, .projectLog, .projectGroup: return nil
        }
    }

    private init(
        resource: Resource,
        noun: String,
        member: String,
        parameter: String?,
        listing: String? = nil,
        prefix: String = "",
        includes: @escaping @Sendable (JSONObject) -> Bool = { _ in true }
    ) {
        self.resource = resource
        self.noun = noun
        self.member = member
        self.parameter = parameter
        self.listing = listing
        self.prefix = prefix
        self.includes = includes
    }

    /// What an object of the kind is called.
    func name(of object: JSONObject) -> String? { object[member]?.string }

    /// What objects of the kind are called, by their ids.
    func names(of objects: [JSONObject]) -> [String: String] {
        objects.reduce(into: [:]) { names, object in
            if let id = object["id"]?.string { names[id] = name(of: object) }
        }
    }

    /// A sentence about a name that nothing has, or nothing that the caller may see.
    func missing(_ name: String) -> Failure {
        let hint = listing.map { "`witan \($0)` shows those that are there" } ?? "check its name"
        return Failure(.notFound, "There is no \(noun) “\(name)”; \(hint).")
    }
}

extension JSONObject {
    /// Whether a user is a service account, whose address nobody can have.
    var isServiceAccount: Bool {
        self["email"]?.string?.hasSuffix("@\(MemberService.serviceAccountDomain)") == true
    }
}
