import ArgumentParser
import Foundation
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals
import WitanAccess
import WitanCore
import WitanHTTP
import WitanSQLite
import WitanServices
import WitanTelemetry

/// `witan serve`: the server.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the server.",
        discussion: """
            Example: witan serve --data ./witan-data --port 8000

            On an empty data folder it makes an organization, its owner and a first API key, which it prints once. SIGTERM \
            and SIGINT let the requests under way finish and end it with exit code 0.

            SETTINGS, each as a flag, as the variable in brackets, or as a member of the file given with --config:

            \(SettingsHelp.text)
            """
    )

    @OptionGroup var data: DataOptions

    @Option(help: ArgumentHelp("A YAML file with settings. [WITAN_CONFIG]", valueName: "file"))
    var config: String?

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var settings: [String] = []

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let values = try await SettingValues(
            flags: settings,
            environment: environment,
            file: config ?? environment["WITAN_CONFIG"]
        )
        let chosen = try ServerSettings(values)
        let log = LogOutput(format: chosen.logFormat, time: .system, redact: SecretRedactor.redact)
        LoggingSystem.bootstrap { StructuredLogHandler(label: $0, output: log, level: chosen.logLevel) }
        let logger = Logger(label: "witan")
        defer { log.flush() }
        let outside = try ServerComposition.outsideIssuer(values, limits: chosen.server.limits, logger: logger)

        let installation = try await Installation.open(data, .create, services: chosen.services)
        if case .file(let file) = data.secretsStore, file.isReadableByOthers {
            logger.warning("The secrets file \(file.path) can be read by others; run chmod 600 on it.")
        }
        if try await installation.accounts.isEmpty() {
            let founded = try await Initialize.Defaults.found(in: installation)
            try StandardOutput.write(FoundingReport(founded).text)
        }
        try await serve(installation, chosen, outside, log, logger)
    }

    private func serve(
        _ installation: Installation,
        _ chosen: ServerSettings,
        _ outside: ServerComposition.OutsideIssuer?,
        _ log: LogOutput,
        _ logger: Logger
    ) async throws {
        let configuration = chosen.server
        let readiness = Readiness(database: installation.database)
        let composed = try ServerComposition.server(
            installation,
            chosen,
            outside: outside,
            log: log,
            logger: logger,
            readiness: readiness
        )
        let server = composed.server
        let refusals = RefusalFlusher(
            audit: installation.audit,
            database: installation.database,
            interval: configuration.limits.refusalFlushInterval,
            logger: logger
        )
        let hasStarted = Atomic(false)
        let application = try server.application { url in
            hasStarted.store(true, ordering: .relaxed)
            announce("Witan \(Witan.version) listens on \(url)\n", logger)
        }
        let drain = DrainNotice(readiness: readiness)
        var group = ServiceGroupConfiguration(
            // They are stopped from the last to the first, each when the one after it has ended.
            services: [refusals, application] + composed.services + [drain],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        group.maximumGracefulShutdownDuration = configuration.limits.drainDuration
        do {
            try await ServiceGroup(configuration: group).run()
        } catch let error where !hasStarted.load(ordering: .relaxed) {
            throw Failure(
                .unavailable,
                """
                The server cannot listen on \(configuration.host):\(configuration.port): \
                \(Self.reason(error)). Free the port, or choose others with --host and --port.
                """,
                underlying: error
            )
        } catch is CancellationError {
            // What was cut off, the next lines tell of.
        }
        if drain.elapsed() >= configuration.limits.drainDuration {
            logger.warning("Requests were still under way when the drain time was over; they were cut off.")
        }
        await refusals.finish()
        try await installation.database.close()
        logger.info("Stopped.")
    }

    private static func reason(_ error: any Error) -> String {
        let text = "\(error)"
        return text.contains("EADDRINUSE") || text.contains("errno: 98") ? "another process listens there" : text
    }

    /// Says where the server listens; it goes on serving when nobody can read that.
    private func announce(_ text: String, _ logger: Logger) {
        do {
            try StandardOutput.write(text)
        } catch {
            logger.warning("Standard output cannot be written to.")
        }
    }
}

/// Tells load balancers, through `/readyz`, as soon as the server begins to drain, and keeps the time from then on.
private final class DrainNotice: Service {
    private let readiness: Readiness

    /// The moment at which the draining began, in nanoseconds; 0 before it.
    private let start = Atomic<Int64>(0)

    init(readiness: Readiness) {
        self.readiness = readiness
    }

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await gracefulShutdown()
        } onGracefulShutdown: {
            self.readiness.drain()
            self.start.store(TimeSource.system.monotonic(), ordering: .releasing)
        }
    }

    /// How long the server has been draining; zero before it does.
    func elapsed() -> Duration {
        let start = start.load(ordering: .acquiring)
        return start == 0 ? .zero : .nanoseconds(TimeSource.system.monotonic() - start)
    }
}

/// The settings as lines of help.
enum SettingsHelp {
    static let text = Settings.all
        .map { setting in
            let standard = setting.standard.map { $0.isEmpty ? "" : " (default: \($0))" } ?? ""
            return
                "  --\(setting.name) \(setting.placeholder)\n      \(setting.summary).\(standard) [\(setting.variable)]"
        }
        .joined(separator: "\n")
}
