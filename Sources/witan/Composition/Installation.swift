import Foundation
import Logging
import WitanAccess
import WitanCore
import WitanResources
import WitanSQLite
import WitanServices
import WitanStorage
import WitanTelemetry

/// The opened data of a server, with the services that work on it: the one place where live types are made.
struct Installation: Sendable {
    let database: SQLiteDatabase
    let secrets: ServerSecrets
    let metrics: ServerMetrics
    let services: Services
    let peppers: PepperRegistry
    let time = TimeSource.system
    let random = RandomSource.system

    /// Held as long as the value lives: one process to a data folder, beside those that only read.
    private let lock: DataFolderLock?

    /// What a command needs of the data folder.
    enum Mode {
        /// Makes the folder, the database and the secrets where they are missing, and migrates.
        case create
        /// Works on what is there, and migrates.
        case existing
        /// Works on what is there, as it is.
        case unmigrated
        /// Reads what is there, as it is, also while a server runs on it.
        case reading
    }

    /// Opens the data.
    ///
    /// - Throws: a `Failure` with a sentence for a folder in use, a folder or a file that cannot be used, missing or wrong
    ///   secrets, and a schema that is newer than this version.
    static func open(
        _ options: DataOptions,
        _ mode: Mode,
        services configuration: Services.Configuration = Services.Configuration()
    ) async throws -> Installation {
        let file = "\(options.folder)/witan.db"
        let isNew = !FileManager.default.fileExists(atPath: file)
        switch mode {
        case .create:
            try createFolder(options.folder)
        case .existing, .unmigrated, .reading:
            guard !isNew else {
                throw Failure(
                    .invalidRequest,
                    "There is no database in \(options.folder): name the data folder with --data, or run `witan init`."
                )
            }
        }
        let lock = mode == .reading ? nil : try DataFolderLock(folder: options.folder)
        let secrets = try options.secretsStore.load(mayCreate: isNew, random: .system)
        let metrics = try ServerMetrics()
        let time = TimeSource.system
        let database = try SQLiteDatabase(
            path: file,
            access: mode == .reading ? .readOnly : .readWrite,
            limits: configuration.limits,
            observer: TransactionObserver { kind, transactions, duration in
                metrics.transactionDuration[kind == .read ? .read : .write].observe(duration.nanoseconds)
                if kind == .write { metrics.commitGroupSize.observe(Int64(transactions)) }
            },
            time: time
        )
        let peppers = PepperRegistry(database: database, peppers: secrets.peppers)
        let migrator = Migrator()
        if mode == .unmigrated || mode == .reading {
            _ = try await migrator.status(of: database)
        } else {
            try await migrator.migrate(database, at: time.now())
            try await peppers.reconcile(at: time.now())
        }

        return Installation(
            database: database,
            secrets: secrets,
            metrics: metrics,
            services: Services(configuration, database: database, secrets: secrets, time: time, random: .system),
            peppers: peppers,
            lock: lock
        )
    }

    /// Opens the data for a command, and closes it however the command ends.
    static func use<Result>(
        _ options: DataOptions,
        _ mode: Mode,
        _ body: (Installation) async throws -> Result
    ) async throws -> Result {
        let installation = try await open(options, mode)
        do {
            let result = try await body(installation)
            try await installation.database.close()
            return result
        } catch {
            // The command's own error is the one to tell of.
            try? await installation.database.close()
            throw error
        }
    }

    /// What makes organizations and people.
    var accounts: AccountService { services.accounts }

    /// The audit log.
    var audit: AuditLog { services.audit }

    /// The service of a resource.
    func service(_ resource: Resource) -> ResourceService { services[resource] }

    private init(
        database: SQLiteDatabase,
        secrets: ServerSecrets,
        metrics: ServerMetrics,
        services: Services,
        peppers: PepperRegistry,
        lock: DataFolderLock?
    ) {
        self.database = database
        self.secrets = secrets
        self.metrics = metrics
        self.services = services
        self.peppers = peppers
        self.lock = lock
    }

    private static func createFolder(_ folder: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw Failure(
                .unavailable,
                "The data folder \(folder) cannot be made: check the path and its permissions, or choose another with --data.",
                underlying: error
            )
        }
    }
}
