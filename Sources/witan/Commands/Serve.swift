import ArgumentParser
import Foundation
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals
import WitanAccess
import WitanCluster
import WitanCore
import WitanHTTP
import WitanResources
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

            On PostgreSQL any number of servers share a database, each with the same secrets. The first makes the tables, \
            the organization and the key; after an upgrade run `witan migrate` first. A URL with a password belongs into \
            a variable, or into a file that WITAN_DATABASE_URL_FILE names; over a network it ends with \
            ?sslmode=verify-full.

            export WITAN_DATABASE_URL='postgres://witan:PASSWORD@db.example.com/witan'
            witan serve --data ./witan-data --port 8000

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

        let openID = try ServerComposition.openIDConnect(
            values,
            server: chosen.server,
            time: .system,
            random: .system,
            logger: logger
        )

        let installation = try await Installation.open(data, .create, services: chosen.services)
        if case .file(let file) = data.secretsStore, file.isReadableByOthers {
            logger.warning("The secrets file \(file.path) can be read by others; run chmod 600 on it.")
        }
        do {
            let founded = try await found(installation)
            if let founded { try StandardOutput.write(FoundingReport(founded).text) }
            try await serve(installation, chosen, (outside, openID), founded, log, logger)
        } catch {
            // What ended the server is what to tell of.
            try? await installation.engine.close()
            throw error
        }
    }

    /// Makes the first organization of an empty database, unless another server on it was quicker.
    private func found(_ installation: Installation) async throws -> AccountService.Founded? {
        guard try await installation.accounts.isEmpty() else { return nil }
        do {
            return try await Initialize.Defaults.found(in: installation)
        } catch let failure as Failure where failure.code == .conflict {
            return nil
        }
    }

    private func serve(
        _ installation: Installation,
        _ chosen: ServerSettings,
        _ issuers: (outside: ServerComposition.OutsideIssuer?, openID: OpenIDConnectClient?),
        _ founded: AccountService.Founded?,
        _ log: LogOutput,
        _ logger: Logger
    ) async throws {
        let configuration = chosen.server
        let readiness = Readiness(database: installation.database)
        let uses = LastUseFlusher(
            lastUses: LastUses(time: installation.time, limits: configuration.limits),
            database: installation.database,
            interval: configuration.limits.lastUseInterval,
            logger: logger
        )
        let composed = try ServerComposition.server(
            installation,
            chosen,
            outside: issuers.outside,
            openID: issuers.openID,
            log: log,
            logger: logger,
            readiness: readiness,
            lastUses: uses.lastUses
        )
        let server = composed.server
        let refusals = RefusalFlusher(
            audit: installation.audit,
            database: installation.database,
            interval: configuration.limits.refusalFlushInterval,
            logger: logger
        )
        let node = NodeService(installation, limits: configuration.limits, logger: logger)
        let hasStarted = Atomic(false)
        let link = try await signInLink(founded, installation)
        let application = try server.application { url in
            hasStarted.store(true, ordering: .relaxed)
            announce("Witan \(Witan.version) listens on \(url)\n", logger)
            let address = configuration.publicURL ?? url
            if let link {
                announce("\n  Sign in, once within ten minutes:\n  \(address)\(link)\n\n", logger)
            } else {
                announce("The settings are at \(address)/app\n", logger)
            }
        }
        let drain = DrainNotice(readiness: readiness)
        var group = ServiceGroupConfiguration(
            // They are stopped from the last to the first, each when the one after it has ended.
            services: (node.map { [$0] } ?? []) + [refusals, uses, application] + composed.services + [drain],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        group.maximumGracefulShutdownDuration = configuration.limits.drainDuration
        try await node?.node.join()
        var ending: (any Error)?
        do {
            try await ServiceGroup(configuration: group).run()
        } catch {
            ending = error
        }
        if drain.elapsed() >= configuration.limits.drainDuration {
            logger.warning("Requests were still under way when the drain time was over; they were cut off.")
        }
        // All ask the database, which may be away, or give no answer for a while.
        async let goodbye: Void? = node?.leave()
        async let noted: Void? = hasStarted.load(ordering: .relaxed) ? uses.finish() : nil
        await refusals.finish()
        await noted
        await goodbye
        // What was cut off was told of.
        if let ending, !(ending is CancellationError) {
            throw hasStarted.load(ordering: .relaxed) ? ending : Self.cannotListen(configuration, ending)
        }
        try await installation.engine.close()
        logger.info("Stopped.")
    }

    /// A link for the owner who was just made, so that the first minute is: command, click, key.
    private func signInLink(
        _ founded: AccountService.Founded?,
        _ installation: Installation
    ) async throws -> String? {
        guard let founded else { return nil }
        guard let id = founded.owner.id, let email = founded.owner[UserResource.email] else {
            throw Failure.bug("An owner who was just made has no id or no address")
        }
        return try await installation.signIn().makeLink(for: id, email: email)
    }

    private static func cannotListen(_ configuration: ServerConfiguration, _ error: any Error) -> Failure {
        Failure(
            .unavailable,
            """
            The server cannot listen on \(configuration.host):\(configuration.port): \
            \(reason(error)). Free the port, or choose others with --host and --port.
            """,
            underlying: error
        )
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
