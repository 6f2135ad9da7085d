import ArgumentParser
import Foundation
import Logging
import WitanCluster
import WitanCore
import WitanHTTP
import WitanServices
import WitanStorage

/// `witan doctor`: what is well and what is not.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the configuration, the database, the schema, the peppers and the clock.",
        discussion: """
            Example: witan doctor --data ./witan-data

            One line a check; exit code 1 when one fails. It also works while the server runs. It takes the settings of `witan serve` as well and changes nothing.
            """
    )

    @OptionGroup var data: DataOptions

    @Option(help: ArgumentHelp("A YAML file with settings. [WITAN_CONFIG]", valueName: "file"))
    var config: String?

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var settings: [String] = []

    func run() async throws {
        var report = Report()
        await report.check("configuration") {
            let environment = ProcessInfo.processInfo.environment
            let file = config ?? environment["WITAN_CONFIG"]
            let values = try await SettingValues(flags: settings, environment: environment, file: file)
            let chosen = try ServerSettings(values)
            _ = try ServerComposition.outsideIssuer(
                values,
                limits: chosen.server.limits,
                logger: Logger(label: "witan")
            )
            return file.map { "\($0) and the environment can be used" } ?? "the flags and the environment can be used"
        }
        var installation: Installation?
        await report.check("database") {
            let opened = try await Installation.open(data, .reading)
            installation = opened
            return try await opened.engine.check()
        }
        if let installation {
            await report.check("schema") {
                let status = try await installation.requireLatestSchema()
                return status.current == status.latest
                    ? "\(status.current) of \(status.latest)"
                    : "\(status.current), of a newer version, with which this one can serve"
            }
            await report.check("peppers") {
                let usages = try await installation.peppers.usage()
                if let missing = usages.first(where: { !$0.isKnown }) {
                    throw Failure(
                        .invalidRequest,
                        "The secrets lack pepper \(missing.version), under which \(missing.keys) keys are stored."
                    )
                }
                try await installation.peppers.verify()
                return usages.map { "version \($0.version) holds \($0.keys) keys" }.joined(separator: ", ")
            }
            await report.check("clock") {
                let latest = try await installation.database.read { try AuditStore.latest(on: $0) }
                let now = installation.time.now()
                guard now.seconds > 1_750_000_000 else {
                    throw Failure(.unavailable, "The clock says \(now.rfc3339), which is long past; set it.")
                }
                var tolerance = Duration.zero
                if case .postgres = installation.engine {
                    // Others may have written it, by clocks that are not quite the same.
                    tolerance = Limits().clockDifference
                    try await ClusterNode.requireClock(near: installation.database, time: installation.time)
                }
                if let latest, latest > now.advanced(by: tolerance) {
                    throw Failure(
                        .unavailable,
                        "The clock says \(now.rfc3339), but the audit log has a later row; was the clock set back?"
                    )
                }
                return now.rfc3339
            }
            try await installation.engine.close()
        }
        if report.hasFailures { throw ExitCode(1) }
    }

    /// Prints a line for each check.
    private struct Report {
        var hasFailures = false

        mutating func check(_ name: String, _ body: () async throws -> String) async {
            do {
                print("ok      \(name): \(try await body())")
            } catch {
                hasFailures = true
                let sentence = (error as? Failure)?.explanation ?? "\(error)"
                print("FAILED  \(name): \(sentence)")
            }
        }
    }
}
