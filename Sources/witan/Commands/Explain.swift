import ArgumentParser
import WitanCore
import WitanJSON
import WitanServices

/// `witan explain`: why somebody may do something, or may not.
struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say why somebody may do something, or why not: the grants, groups and roles on the way.",
        discussion: """
            Example: witan explain bob@example.com update project:Support

            The exit code is 0 when they may and 1 when not. It also works while the server runs.
            """
    )

    @OptionGroup var data: DataOptions

    @Argument(help: "Who: an e-mail address, service-account:NAME or an id.")
    var user: Principal

    @Argument(help: "The permission: \(Words.permissions).", transform: Words.word)
    var permission: Permission

    @Argument(help: "On what: organization:NAME, org_project:ORGANIZATION, project:NAME and the like, or with an id.")
    var object: String

    @Option(
        name: .customLong("for"),
        help: "For objects of this kind in it, such as the projects that could be made in org_project:ORGANIZATION.",
        transform: Words.word
    )
    var type: ObjectType?

    @Option(help: "The name of the organization to look in, where several have an object of that name.")
    var organization: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let reference = try Words.object(object, in: organization)
        let explanation = try await Installation.use(data, .reading) { installation in
            try await installation.requireLatestSchema()
            // Anybody else may be explained about, members of no organization too.
            let name =
                user.isServiceAccount
                ? try await StoppedServer(installation, organization: organization).find(user).id.description
                : user.description
            return try await AccessExplainer(database: installation.database)
                .explain(user: name, permission: permission, on: reference, for: type)
        }
        if json {
            print(JSONWriter.string(of: explanation.json))
        } else {
            for line in explanation.text { print(line.printable) }
        }
        if !explanation.isAllowed { throw ExitCode(1) }
    }
}
