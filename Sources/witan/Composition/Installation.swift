import Foundation
import Logging
import WitanAccess
import WitanCluster
import WitanCore
import WitanResources
import WitanSQLite
import WitanServices
import WitanStorage
import WitanTelemetry

/// The opened data of a server, with the services that work on it: the one place where live types are made.
struct Installation: Sendable {
    let engine: OpenDatabase
    let secrets: ServerSecrets
    let metrics: ServerMetrics
    let services: Services
    let peppers: PepperRegistry
    let time = TimeSource.system
    let random = RandomSource.system

    /// Held as long as the value lives: one process to a data folder with a database, beside those that only read.
    private let lock: DataFolderLock?

    /// What a command needs of the data.
    enum Mode {
        /// Makes the folder, the database and the secrets where they are missing, and migrates.
        case create
        /// Works on what is there, and migrates.
        case existing
        /// Works on what is there, as it is.
        case unmigrated
        /// Reads what is there, as it is, also while a server runs on it.
        case reading

        /// Whether it adds to the data, for which the peppers, and the clock beside other nodes', must be right.
        fileprivate var writes: Bool { self == .create || self == .existing }
    }

    /// Opens the data.
    ///
    /// A database of this process's own is migrated by whoever needs it. One that other servers may use is migrated by
    /// `witan migrate` alone, unless it is empty.
    ///
    /// - Throws: a `Failure` with a sentence for a folder in use, a folder or a file that cannot be used, a database that
    ///   is away, missing or wrong secrets, an unfinished copy, and a schema of another version.
    static func open(
        _ options: DataOptions,
        _ mode: Mode,
        services configuration: Services.Configuration = Services.Configuration()
    ) async throws -> Installation {
        let location = try options.location
        let metrics = try ServerMetrics()
        let observer = TransactionObserver { kind, transactions, duration in
            metrics.transactionDuration[kind == .read ? .read : .write].observe(duration.nanoseconds)
            if kind == .write { metrics.commitGroupSize.observe(Int64(transactions)) }
        }
        var limits = configuration.limits
        if mode == .unmigrated { limits.statementDuration = migrationDuration }
        let (engine, lock) = try open(location, mode, limits, observer)
        do {
            let secrets = try await prepare(engine, options, mode)
            return Installation(engine, lock, secrets: secrets, metrics: metrics, configuration)
        } catch {
            // What is wrong with the data is what to tell of.
            try? await engine.close()
            throw error
        }
    }

    /// Brings the database to this version's schema, for which no secrets are needed, and returns the steps' numbers.
    static func migrate(_ options: DataOptions) async throws -> [Int] {
        let location = try options.location
        var limits = Limits()
        limits.statementDuration = migrationDuration
        let (engine, lock) = try open(location, .unmigrated, limits, .none)
        defer { withExtendedLifetime(lock) {} }
        do {
            try await CopyProgress.requireNone(on: engine.sql)
            let steps = try await Migrator().migrate(engine.sql, at: TimeSource.system.now())
            try await engine.close()
            return steps
        } catch {
            // What the steps failed with is what to tell of.
            try? await engine.close()
            throw error
        }
    }

    /// How long a step of the schema's may take over a large table.
    private static let migrationDuration: Duration = .seconds(3_600)

    private static func open(
        _ location: DatabaseLocation,
        _ mode: Mode,
        _ limits: Limits,
        _ observer: TransactionObserver
    ) throws -> (engine: OpenDatabase, lock: DataFolderLock?) {
        switch location {
        case .postgres(let location):
            return (OpenDatabase.postgres(location, limits: limits, observer: observer), nil)
        case .sqlite(let folder):
            let file = "\(folder)/witan.db"
            if mode == .create {
                try DataFolder.make(at: folder)
            } else if !FileManager.default.fileExists(atPath: file) {
                throw Failure(
                    .invalidRequest,
                    "There is no database in \(folder): name the data folder with --data, or run `witan init`."
                )
            }
            let lock = mode == .reading ? nil : try DataFolderLock(folder: folder)
            let engine = try OpenDatabase.sqlite(
                path: file,
                access: mode == .reading ? .readOnly : .readWrite,
                limits: limits,
                observer: observer
            )
            return (engine, lock)
        }
    }

    /// Sees to the clock, the secrets, the schema and the peppers, and returns the secrets.
    ///
    /// In this order, so that a refusal leaves everything as it was. Secrets are made for a database that nobody has
    /// used, and no sooner than it was written to; they are durable before anything in it rests on them.
    private static func prepare(
        _ engine: OpenDatabase,
        _ options: DataOptions,
        _ mode: Mode
    ) async throws
        -> ServerSecrets
    {
        let time = TimeSource.system
        let store = options.secretsStore
        try await CopyProgress.requireNone(on: engine.sql)
        let status = try await Migrator().status(of: engine.sql)
        let isUnused = try await PepperRegistry.isUnused(engine.sql)
        let hasSecrets = try store.isPresent
        guard !isUnused || mode == .create || (hasSecrets && status.current > 0) else {
            throw Failure(
                .invalidRequest,
                "The database holds no installation yet: check that it is the right one, or run `witan init`."
            )
        }
        if case .postgres = engine, mode.writes { try await ClusterNode.requireClock(near: engine.sql, time: time) }
        let present = isUnused && !hasSecrets ? nil : try store.load(mayCreate: false, random: .system)
        try await bringUp(engine, status, mode, at: time.now())
        if present == nil { try DataFolder.make(at: options.folder) }
        let secrets = try present ?? store.load(mayCreate: true, random: .system)
        if mode.writes {
            try await PepperRegistry(database: engine.sql, peppers: secrets.peppers).reconcile(at: time.now())
        }
        return secrets
    }

    /// Brings the schema to where it must be, or refuses one that this version cannot work with.
    private static func bringUp(
        _ engine: OpenDatabase,
        _ status: Migrator.Status,
        _ mode: Mode,
        at now: Timestamp
    ) async throws {
        switch (mode, engine) {
        case (.unmigrated, _), (.reading, _):
            return
        case (.create, _) where status.current == 0, (_, .sqlite):
            try await Migrator().migrate(engine.sql, at: now)
        case (_, .postgres):
            try status.requireLatest()
        }
    }

    private init(
        _ engine: OpenDatabase,
        _ lock: DataFolderLock?,
        secrets: ServerSecrets,
        metrics: ServerMetrics,
        _ configuration: Services.Configuration
    ) {
        let time = TimeSource.system
        peppers = PepperRegistry(database: engine.sql, peppers: secrets.peppers)
        let cluster: Cluster =
            switch engine {
            case .sqlite: .alone(limits: configuration.limits)
            case .postgres(_, let control, _):
                .shared(
                    control: control,
                    metrics: metrics.cluster,
                    ids: ObjectIDGenerator(time: time, random: .system),
                    time: time,
                    limits: configuration.limits
                )
            }
        services = Services(
            configuration,
            database: engine.sql,
            cluster: cluster,
            secrets: secrets,
            time: time,
            random: .system
        )
        self.engine = engine
        self.secrets = secrets
        self.metrics = metrics
        self.lock = lock
    }

    /// Opens the data for a command, and closes it however the command ends.
    static func use<Result>(
        _ options: DataOptions,
        _ mode: Mode,
        _ body: (Installation) async throws -> Result
    ) async throws -> Result {
        let installation = try await open(options, mode)
        do {
            let result = try await withThrowingTaskGroup(of: Void.self) { group in
                // What the command changes waits for the nodes that run on the database.
                if let waiter = installation.services.cluster.waiter { group.addTask { await waiter.run() } }
                defer { group.cancelAll() }
                return try await body(installation)
            }
            try await installation.engine.close()
            return result
        } catch {
            // The command's own error is the one to tell of.
            try? await installation.engine.close()
            throw error
        }
    }

    /// What begins and ends sessions in browsers.
    func signIn(limits: Limits = Limits()) throws -> SignInService {
        try SignInService(
            database: database,
            accessControl: services.accessControl,
            audit: audit,
            secrets: secrets,
            share: services.cluster.share,
            ids: ObjectIDGenerator(time: time, random: random),
            time: time,
            random: random,
            limits: limits
        )
    }

    /// What the stores work on.
    var database: any SQLDatabase { engine.sql }

    /// What makes organizations and people.
    var accounts: AccountService { services.accounts }

    /// The audit log.
    var audit: AuditLog { services.audit }

    /// The service of a resource.
    func service(_ resource: Resource) -> ResourceService { services[resource] }
}
