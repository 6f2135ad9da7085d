import ArgumentParser
import WitanServices
import WitanStorage

/// `witan audit`: the audit log.
struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Work with the audit log.",
        discussion: "Example: witan audit verify",
        subcommands: [Verify.self]
    )

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
                try await installation.audit.verify(in: installation.database)
            }
            for problem in report.problems { print(problem) }
            guard report.problems.isEmpty else { throw ExitCode(1) }
            print("\(report.rows) rows, all as they were written.")
        }
    }
}
