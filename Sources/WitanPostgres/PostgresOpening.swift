import WitanCore
import WitanStorage

/// What begins a transaction, sent with its first statement, and how long its answer may take.
struct PostgresOpening: Sendable {
    /// The statements.
    let statements: [SQLQuery]

    /// After this the connection is given up, and another one tried: nothing has been done yet.
    let duration: Duration

    /// Every setting is the transaction's own, so that it also holds behind a pooler that hands connections around.
    init(_ kind: PostgresLane.Kind, _ limits: Limits) {
        let settings = """
            SELECT set_config('statement_timeout', '\(limits.statementDuration.milliseconds)', true), \
            set_config('idle_in_transaction_session_timeout', '\(limits.idleTransactionDuration.milliseconds)', true)
            """
        // Whatever the server's standard is: with a snapshot of the whole transaction, what is read after the lock was
        // waited for would be older than the lock.
        let write = "BEGIN ISOLATION LEVEL READ COMMITTED"
        let waiting = "\(settings), set_config('lock_timeout', '\(limits.databaseLockDuration.milliseconds)', true)"
        let texts =
            switch kind {
            case .read: ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", settings]
            case .write(.alone): [write, waiting, "SELECT pg_advisory_xact_lock(\(Self.lock)), \(Self.durability)"]
            case .write(.concurrent): [write, "\(waiting), \(Self.durability)"]
            case .write(.transient): [write, "\(waiting), set_config('synchronous_commit', 'off', true)"]
            }
        statements = texts.map { "\(raw: $0)" }
        duration = kind.isWrite ? limits.databaseLockDuration + .seconds(2) : limits.databaseConnectDuration
    }

    /// The two numbers of the lock that orders writes.
    ///
    /// The second is that of a table which every installation has, so that several may share a database, and so that
    /// those who share the tables share the lock, whatever their search path begins with. Until the table is there, it
    /// is the schema's. It is never null, of which the lock would be none at all.
    private static let lock = """
        1465406830, COALESCE(to_regclass('schema_migrations')::oid::int4, hashtext(COALESCE(current_schema(), '')))
        """

    /// An answered change is durable, even where the server's standard is that the last moments may be lost; and of a
    /// commit that no replica has nothing but a warning tells, which a user's settings may leave out.
    private static let durability = """
        CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'local', true) END, \
        set_config('client_min_messages', 'warning', true)
        """
}

extension Duration {
    /// In milliseconds, at least one: zero would switch a deadline off.
    fileprivate var milliseconds: Int64 { max(nanoseconds / 1_000_000, 1) }
}
