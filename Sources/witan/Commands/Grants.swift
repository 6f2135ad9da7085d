import ArgumentParser
import WitanCore
import WitanJSON
import WitanResources
import WitanServices

/// `witan grants`: who was given what on which object.
struct Grants: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, give and take grants.",
        discussion: "Example: witan grants give read --to bob@example.com --on project:Support",
        subcommands: [List.self, Give.self, Take.self]
    )

    /// `witan grants list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List grants: all of the organization, or those on one object.",
            discussion: "Example: witan grants list --on project:Support"
        )

        @OptionGroup var options: OrganizationOptions

        @Option(help: "Only those on this object: project:NAME and the like.")
        var on: String?

        func run() async throws {
            let (grants, names) = try await options.use { place in
                let grants: [JSONObject]
                if let on {
                    let reference = try Words.object(on)
                    let id = try await place.find(reference).id.description
                    grants = try await place.list(
                        ACLResource.resource,
                        [("object_type", reference.type.rawValue), ("object_id", id)]
                    )
                } else {
                    grants = try await place.list(ACLResource.resource, .ofOrganization, [])
                }
                return (grants, try await Names(of: options.place.json ? [] : grants, at: place))
            }
            options.show(
                grants,
                columns: [
                    "id", Listing.Column("to", names.principal), Listing.Column("gives", names.gift),
                    Listing.Column("on", names.object),
                ]
            )
        }
    }

    /// `witan grants give`.
    struct Give: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give somebody a permission or a role on an object and on what is in it.",
            discussion: """
                Example: witan grants give read --to bob@example.com --on project:Support
                Example: witan grants give --role Engineer --to group:Interns --on org_project:Acme
                """
        )

        @OptionGroup var options: OrganizationOptions

        @OptionGroup var grant: Grant

        func run() async throws {
            let object = try await options.use { place in
                try await place.create(ACLResource.resource, grant.body(at: place)).object
            }
            try options.report(object, "Gave \(grant.gift) on \(grant.object) to \(grant.to).")
        }
    }

    /// `witan grants take`.
    struct Take: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take back what was given, named as it was given.",
            discussion: "Example: witan grants take read --to bob@example.com --on project:Support"
        )

        @OptionGroup var options: OrganizationOptions

        @OptionGroup var grant: Grant

        func run() async throws {
            let object = try await options.use { place in
                try await place.delete(ACLResource.resource, like: grant.body(at: place))
            }
            try options.report(object, "Took \(grant.gift) on \(grant.object) from \(grant.to).")
        }
    }

    /// What `give` and `take` take.
    struct Grant: ParsableArguments {
        @Argument(help: "The permission: \(Words.permissions).", transform: Words.word)
        var permission: Permission?

        @Option(help: "The name of a role, instead of a permission.")
        var role: String?

        @Option(help: "Who gets it: \(Principal.forms).")
        var to: Principal

        @Option(
            name: .customLong("on"),
            help: "What it is given on: organization:NAME, org_project:ORGANIZATION, project:NAME and the like."
        )
        var object: String

        @Option(
            help: "The one kind of objects that the permission is for: \(Words.objectTypes).",
            transform: Words.word
        )
        var only: ObjectType?

        var gift: String {
            let restriction = only.map { " for \($0.rawValue)" } ?? ""
            return permission.map { $0.rawValue + restriction } ?? "the role \(role ?? "")"
        }

        func validate() throws {
            guard (permission == nil) != (role == nil) else {
                throw ValidationError("Name a permission, or a role with --role")
            }
            guard only == nil || permission != nil else {
                throw ValidationError("--only goes with a permission, not with --role")
            }
        }

        /// The grant as the body of a call.
        func body(at place: any Place) async throws -> JSONObject {
            let reference = try Words.object(object)
            var body: JSONObject = [
                "object_type": .string(reference.type.rawValue),
                "object_id": try await place.find(reference).reference,
            ]
            body[to.isGroup ? "group_id" : "user_id"] = try await place.find(to).reference
            if let role {
                body["role_id"] = try await place.find(.role, role).reference
            }
            if let permission {
                body["permission"] = .string(permission.rawValue)
                body["restrict_object_type"] = only.map { .string($0.rawValue) }
            }
            return body
        }
    }

    /// What people call the parts of grants.
    private struct Names: Sendable {
        private let users: [String: String]
        private let groups: [String: String]
        private let roles: [String: String]
        private let objects: [String: String]

        init(of grants: [JSONObject], at place: any Place) async throws {
            users = try await place.list(UserResource.resource, ids: grants.compactMap { $0["user_id"]?.string })
                .reduce(into: [:]) { $0[$1["id"]?.string ?? ""] = Principal(user: $1).description }
            groups = try await place.names(of: .group, ids: grants.compactMap { $0["group_id"]?.string })
            roles = try await place.names(of: .role, ids: grants.compactMap { $0["role_id"]?.string })
            let objects = Dictionary(grouping: grants) { $0["object_type"]?.string ?? "" }
            var names: [String: String] = [:]
            for (type, grants) in objects {
                guard let kind = ObjectType(rawValue: type).flatMap(NamedKind.init) else { continue }
                names.merge(
                    try await place.names(of: kind, ids: grants.compactMap { $0["object_id"]?.string })
                ) { first, _ in first }
            }
            self.objects = names
        }

        @Sendable
        func principal(_ grant: JSONObject) -> String? {
            if let group = grant["group_id"]?.string { return NamedKind.group.prefix + (groups[group] ?? group) }
            return grant["user_id"]?.string.map { users[$0] ?? $0 }
        }

        @Sendable
        func gift(_ grant: JSONObject) -> String? {
            if let role = grant["role_id"]?.string { return "role:\(roles[role] ?? role)" }
            return RestrictedPermission(grant)?.description
        }

        @Sendable
        func object(_ grant: JSONObject) -> String? {
            guard let type = grant["object_type"]?.string, let id = grant["object_id"]?.string else { return nil }
            return "\(type):\(objects[id] ?? id)"
        }
    }
}
