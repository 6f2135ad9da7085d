import ArgumentParser
import WitanJSON
import WitanResources

/// `witan roles`: sets of permissions with a name.
struct Roles: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, make, change and delete roles.",
        discussion: "Example: witan roles create Reviewer read update:prompt",
        subcommands: [List.self, Create.self, Allow.self, Disallow.self, Delete.self]
    )

    /// `witan roles list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List roles, those that are there in every organization among them.",
            discussion: "Example: witan roles list"
        )

        @OptionGroup var options: OrganizationOptions

        func run() async throws {
            let roles = try await options.use { place in try await place.list(RoleResource.resource) }
            let names = NamedKind.role.names(of: roles)
            options.show(
                roles,
                columns: [
                    "id", "name", "description",
                    Listing.Column("built_in") { $0["org_id"]?.string == nil ? "yes" : nil },
                    Listing.Column("permissions", Roles.permissions),
                    Listing.Column("roles") { role in
                        role.texts("member_roles").map { names[$0] ?? $0 }.joined(separator: ", ")
                    },
                ]
            )
        }
    }

    /// A role's own permissions, of which one that is for many kinds of objects only tells their number.
    @Sendable
    private static func permissions(of role: JSONObject) -> String? {
        let permissions = (role["member_permissions"]?.array ?? [])
            .compactMap { $0.object.flatMap(RestrictedPermission.init) }
        return Dictionary(grouping: permissions, by: \.permission)
            .map { permission, all in
                all.count > 3 ? "\(permission) (\(all.count) kinds)" : all.map(\.description).joined(separator: ", ")
            }
            .sorted().joined(separator: ", ")
    }

    /// `witan roles create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a role.",
            discussion: "Example: witan roles create Reviewer read update:prompt --member-role Viewer"
        )

        @OptionGroup var options: OrganizationOptions

        @OptionGroup var content: Content

        @Option(help: "What the role is for.")
        var description: String?

        func run() async throws {
            try await options.create(.role, content.role) { place in
                var members = try await content.members(at: place, "")
                members["description"] = description.map(JSONValue.string)
                return members
            }
        }
    }

    /// `witan roles allow`.
    struct Allow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add permissions to a role, for all to whom it is given.",
            discussion: "Example: witan roles allow Reviewer create:dataset --member-role Viewer"
        )

        @OptionGroup var options: OrganizationOptions

        @OptionGroup var content: Content

        func validate() throws { try content.requireSomething() }

        func run() async throws {
            try await options.change(.role, content.role, saying: "\(content.role) now allows \(content.list).") {
                try await content.members(at: $0, "add_")
            }
        }
    }

    /// `witan roles disallow`.
    struct Disallow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take permissions out of a role, for all to whom it is given.",
            discussion: "Example: witan roles disallow Reviewer create:dataset --member-role Viewer"
        )

        @OptionGroup var options: OrganizationOptions

        @OptionGroup var content: Content

        func validate() throws { try content.requireSomething() }

        func run() async throws {
            let sentence = "\(content.role) itself no longer allows \(content.list)."
            try await options.change(.role, content.role, saying: sentence) {
                try await content.members(at: $0, "remove_")
            }
        }
    }

    /// `witan roles delete`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a role, and every grant of it.",
            discussion: "Example: witan roles delete Reviewer"
        )

        @OptionGroup var options: OrganizationOptions

        @Argument(help: "The role's name.")
        var name: String

        func run() async throws {
            try await options.delete(.role, name)
        }
    }

    /// A role and what it allows.
    struct Content: ParsableArguments {
        @Argument(help: "The role's name.")
        var role: String

        @Argument(
            help: ArgumentHelp(
                "Each a permission, for all kinds of objects or for one: read, create:project.",
                discussion: "Permissions: \(Words.permissions). Kinds of objects: \(Words.objectTypes).",
                valueName: "permission[:object-type]"
            ),
            transform: RestrictedPermission.init(parsing:)
        )
        var permissions: [RestrictedPermission] = []

        @Option(help: "A role whose permissions it takes over; repeat it for several.")
        var memberRole: [String] = []

        /// For a change; a role may be made without anything that it allows.
        func requireSomething() throws {
            guard !permissions.isEmpty || !memberRole.isEmpty else {
                throw ValidationError("Name a permission, or a role with --member-role")
            }
        }

        var list: String {
            (permissions.map(\.description) + memberRole.map { "all that \($0) allows" }).joined(separator: ", ")
        }

        /// The members of a body: of a create, or with `add_` and `remove_` of a change.
        func members(at place: any Place, _ prefix: String) async throws -> JSONObject {
            let roles = try await place.find(.role, memberRole)
            return [
                "\(prefix)member_permissions": .array(permissions.map { .object($0.json) }),
                "\(prefix)member_roles": .array(roles.map(\.reference)),
            ]
        }
    }
}
