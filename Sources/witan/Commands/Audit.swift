import ArgumentParser
import WitanCore
import WitanJSON
import WitanResources
import WitanServices
import WitanStorage

/// `witan audit`: the audit log.
struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read and check the audit log.",
        discussion: "Example: witan audit list --actor bob@example.com",
        subcommands: [List.self, Verify.self]
    )

    /// `witan audit list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what was done and refused in an organization, newest first.",
            discussion: """
                Example: witan audit list --event acl.created --event acl.deleted --since 24h

                On data it also works while the server runs.
                """
        )

        @OptionGroup var options: OrganizationOptions

        @Option(help: "Only what this member did: an e-mail address, service-account:NAME, or anybody's id.")
        var actor: Principal?

        @Option(help: "Only this kind of event, such as api_key.created; repeat it for several.")
        var event: [String] = []

        @Option(help: "Only what was done to this object: project:NAME and the like, or anything's id.")
        var object: String?

        @Option(
            help:
                "Only what happened since: a moment such as 2026-01-31T12:00:00Z, or a time back from now, such as 12h."
        )
        var since: String?

        @Option(help: "How many rows at the most.")
        var limit: UInt = 100

        func run() async throws {
            var query = [("limit", String(limit))] + event.map { ("event_type", $0) }
            if let since { query.append(("created_after", try Self.moment(since).rfc3339)) }
            let rows = try await options.use(.reading) { [query] place in
                var query = query
                if let actor {
                    let id = if let id = ObjectID(actor.name) { id } else { try await place.find(actor).id }
                    query.append(("actor_id", id.description))
                }
                if let object { query.append(("object_id", try await Self.id(of: object, at: place).description)) }
                return try await place.list(AuditLogResource.resource, .ofOrganization, query)
            }
            options.show(
                rows,
                columns: [
                    "created", Listing.Column("event") { $0["event_type"]?.string }, "outcome",
                    Listing.Column("actor", Self.actor),
                    Listing.Column("object") { $0["object_name"]?.string ?? $0["object_id"]?.string },
                ]
            )
        }

        /// Of something that is not there any more the id alone is left.
        private static func id(of object: String, at place: any Place) async throws -> ObjectID {
            if let id = ObjectID(object) { return id }
            let reference = try Words.object(object)
            if let id = ObjectID(reference.name) { return id }
            return try await place.find(reference).id
        }

        private static func moment(_ text: String) throws -> Timestamp {
            if let moment = Timestamp(rfc3339: text) { return moment }
            do {
                let back = try Setting<Duration>("since", "", default: "").parse([text])
                return TimeSource.system.now().advanced(by: .zero - back)
            } catch {
                throw UsageError("--since must be a moment such as 2026-01-31T12:00:00Z, or a time such as 12h or 30m.")
            }
        }

        @Sendable
        private static func actor(_ row: JSONObject) -> String? {
            guard let actor = row["actor_email"]?.string else { return row["authentication"]?.string }
            return actor + (row["impersonated_email"]?.string.map { " as \($0)" } ?? "")
        }
    }

    /// `witan audit verify`.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that no row of the audit log was changed, removed or added by something else.",
            discussion: """
                Example: witan audit verify --data ./witan-data

                It also works while the server runs.
                """
        )

        @OptionGroup var data: DataOptions

        func run() async throws {
            let report = try await Installation.use(data, .reading) { installation in
                // With other secrets every row would seem changed.
                try await installation.peppers.verify()
                return try await installation.audit.verify(in: installation.database)
            }
            for problem in report.problems { print(problem) }
            guard report.problems.isEmpty else { throw ExitCode(1) }
            print("\(report.rows) rows, all as they were written.")
        }
    }
}
