import ArgumentParser
import Foundation
import UnixSignals
import WitanAccess
import WitanCore
import WitanJSON
import WitanServices
import WitanStorage

/// `witan copy`: a whole installation into another database.
struct Copy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy a whole installation into another database, of either engine.",
        discussion: """
            Example: witan copy --from sqlite:./witan-data --to postgres://witan@db.example.com/witan

            A database is sqlite:FOLDER (a data folder), sqlite:FILE or postgres://USER@HOST:PORT/NAME. One with a \
            password does not belong on a command line: leave the option out, and give the URL in WITAN_DATABASE_URL or \
            WITAN_DATABASE_URL_FILE.

            Nobody may write to the source meanwhile: stop its servers first. The target must be empty. When the \
            command is interrupted, the same command goes on where it stopped; until it is complete, no other command \
            takes the target. At the end both sides are read again and compared. The secrets are not copied, and the \
            same ones are needed afterwards.
            """
    )

    @Option(help: ArgumentHelp("The database to read. [WITAN_DATABASE_URL]", valueName: "database"))
    var from: String?

    @Option(help: ArgumentHelp("The empty database to fill. [WITAN_DATABASE_URL]", valueName: "database"))
    var to: String?

    @Option(
        help: ArgumentHelp(
            """
            The secrets of the source, by which its audit log is checked in the target. [WITAN_SECRETS; or the text \
            itself in WITAN_SECRETS_TEXT; those in the source's data folder otherwise]
            """,
            valueName: "file"
        )
    )
    var secrets: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let source = try Self.location(from, "--from")
        let target = try Self.location(to, "--to")
        guard from != to, !CopySide.Location.isSame(source, target) else {
            throw UsageError("--from and --to name the same database")
        }
        let store = secretsStore(beside: source)
        let secrets = try store?.load(mayCreate: false, random: .system)
        let report = try await CopySide.withBoth(source, target) { source, target in
            try await Self.interruptibly(CopyRun(source, target, secrets))
        }
        let advice = report.differences.isEmpty ? Self.advice(target, store) : ""
        try StandardOutput.write(json ? report.json + "\n" : report.text + advice)
        if let problem = report.problem { throw problem }
    }

    private static func location(_ text: String?, _ option: String) throws -> CopySide.Location {
        do {
            return try CopySide.Location(text)
        } catch let error as UsageError {
            throw UsageError("\(option): \(error)")
        }
    }

    private func secretsStore(beside source: CopySide.Location) -> SecretsStore? {
        let environment = ProcessInfo.processInfo.environment
        if secrets == nil, let text = environment["WITAN_SECRETS_TEXT"] { return .text(text) }
        return (secrets ?? environment["WITAN_SECRETS"] ?? source.secretsFile).map { .file(path: $0) }
    }

    private static func advice(
        _ target: CopySide.Location,
        _ store: SecretsStore?
    ) -> String {
        let file =
            switch store {
            case .file(let file)?: file.path
            case .text?, nil: "FILE"
            }
        let place =
            switch target {
            case .sqlite(_, let folder): "--data \(folder)"
            case .postgres: "--database-url URL"
            }
        return """

            The keys and the audit log need the secrets that the source had. Start the server with

            witan serve \(place) --secrets \(file)

            """
    }

    /// Runs the copy until it ends or SIGINT or SIGTERM comes; then it stops after the transaction that it is in.
    private static func interruptibly(_ copy: CopyRun) async throws -> CopyReport {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return try await withThrowingTaskGroup(of: CopyReport?.self) { group in
            group.addTask { try await copy.run() }
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            // Whichever ends first; what the other comes to counts when it is the copy, which may end all the same.
            let first = try await group.next() ?? nil
            group.cancelAll()
            let report = if let first { first } else { try await group.next() ?? nil }
            guard let report else { throw CancellationError() }
            return report
        }
    }
}
