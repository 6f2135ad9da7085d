import GRDB
import GRDBSQLite
import WitanCore
import WitanStorage

/// A connection of GRDB's, used through SQLite's own functions: values go in and out without a detour.
///
/// Lives as long as one group of transactions, on the thread that runs it.
final class SQLiteConnection: SQLConnection {
    /// What begins, ends or divides a transaction.
    enum Command: String {
        case beginWrite = "BEGIN IMMEDIATE"
        case beginRead = "BEGIN"
        case commit = "COMMIT"
        case rollBack = "ROLLBACK"
        case savepoint = "SAVEPOINT member"
        case rollBackToSavepoint = "ROLLBACK TO member"
        case releaseSavepoint = "RELEASE member"
    }

    /// Statements with more arguments than this, which only long lists have, are prepared anew each time: each length
    /// is another text, and GRDB's cache forgets none.
    private static let cachedArguments = 32

    /// Tells SQLite to copy what is bound.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    private let database: Database
    private let handle: OpaquePointer?
    private let deadline: StatementDeadline

    /// What stores have set, to be written before the commit.
    var pendingChanges = PendingChanges()

    /// Wraps GRDB's connection for the time of one access.
    init(_ database: Database, deadline: StatementDeadline) {
        self.database = database
        handle = database.sqliteConnection
        self.deadline = deadline
    }

    /// False also after SQLite has rolled back by itself, as it does when the disk is full.
    var isInsideTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Begins, ends or divides a transaction.
    func perform(_ command: Command) throws(Failure) {
        try execute(SQLQuery(stringLiteral: command.rawValue)) { _ in }
    }

    /// Ends the transaction, if one is open, and undoes what it changed.
    func rollBack() {
        guard isInsideTransaction else { return }
        do {
            try perform(.rollBack)
        } catch {
            // A ROLLBACK that reports an error has ended the transaction all the same.
            assert(!isInsideTransaction, "ROLLBACK always ends the transaction")
        }
    }

    // MARK: SQLConnection

    var dialect: SQLDialect { .sqlite }

    func rows(_ query: SQLQuery) throws(Failure) -> [SQLRow] {
        try requireTransaction()
        var rows: [SQLRow] = []
        try execute(query) { statement in
            rows.append(
                SQLRow(values: (0..<sqlite3_column_count(statement)).map { Self.value(of: statement, at: $0) })
            )
        }
        return rows
    }

    @discardableResult
    func run(_ query: SQLQuery) throws(Failure) -> Int {
        try requireTransaction()
        let before = sqlite3_total_changes(handle)
        try execute(query) { _ in }
        // `sqlite3_changes` still tells of the statement before when this one was no INSERT, UPDATE or DELETE.
        return sqlite3_total_changes(handle) == before ? 0 : Int(sqlite3_changes(handle))
    }

    func pendingChange(_ name: String) -> (any PendingChange)? { pendingChanges[name] }

    func setPendingChange(_ name: String, _ change: any PendingChange) { pendingChanges[name] = change }

    /// Writes what stores have set, and commits.
    func commit() throws(Failure) {
        try pendingChanges.write(on: self)
        pendingChanges = PendingChanges()
        try perform(.commit)
    }

    /// Keeps a closure that ignored an error from going on without a transaction, where each statement would commit.
    private func requireTransaction() throws(Failure) {
        if !isInsideTransaction { throw .sqlite(.SQLITE_ABORT_ROLLBACK) }
    }

    // MARK: Statements

    private func execute(_ query: SQLQuery, onRow: (OpaquePointer) -> Void) throws(Failure) {
        let statement = try prepare(query)
        let handle = statement.sqliteStatement
        defer {
            withExtendedLifetime(statement) {
                sqlite3_reset(handle)
                sqlite3_clear_bindings(handle)
            }
        }
        try bind(query.arguments, to: handle)
        deadline.restart()
        while true {
            switch sqlite3_step(handle) {
            case SQLITE_ROW: onRow(handle)
            case SQLITE_DONE: return
            case let code: throw failure(code)
            }
        }
    }

    private func failure(_ code: CInt) -> Failure {
        if code & 0xFF == SQLITE_READONLY, database.configuration.readonly {
            return .bug("A transaction that reads tried to write")
        }
        return .sqlite(ResultCode(rawValue: code))
    }

    private func prepare(_ query: SQLQuery) throws(Failure) -> Statement {
        let text = dialect.placeholders(query.text)
        do {
            return query.arguments.count <= Self.cachedArguments
                ? try database.cachedStatement(sql: text)
                : try database.makeStatement(sql: text)
        } catch {
            throw .sqlite(error)
        }
    }

    private func bind(_ arguments: [SQLValue], to statement: OpaquePointer) throws(Failure) {
        guard sqlite3_bind_parameter_count(statement) == arguments.count else {
            throw .bug("A statement has another number of placeholders than of arguments")
        }
        for (index, argument) in zip(CInt(1)..., arguments) {
            try argument.requireStorable()
            let code = bind(argument, to: statement, at: index)
            if code != SQLITE_OK { throw failure(code) }
        }
    }

    private func bind(_ value: SQLValue, to statement: OpaquePointer, at index: CInt) -> CInt {
        switch value {
        case .null:
            return sqlite3_bind_null(statement, index)
        case .integer(let integer):
            return sqlite3_bind_int64(statement, index, integer)
        case .real(let real):
            return sqlite3_bind_double(statement, index, real)
        case .text(var text):
            return text.withUTF8 { bytes in
                guard let start = bytes.baseAddress else { return sqlite3_bind_text(statement, index, "", 0, nil) }
                return sqlite3_bind_text64(
                    statement,
                    index,
                    UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self),
                    UInt64(bytes.count),
                    Self.transient,
                    UInt8(SQLITE_UTF8)
                )
            }
        case .blob(let blob):
            return blob.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress, !bytes.isEmpty else {
                    return sqlite3_bind_zeroblob(statement, index, 0)
                }
                return sqlite3_bind_blob64(statement, index, start, UInt64(bytes.count), Self.transient)
            }
        }
    }

    private static func value(of statement: OpaquePointer, at column: CInt) -> SQLValue {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER:
            return .integer(sqlite3_column_int64(statement, column))
        case SQLITE_FLOAT:
            return .real(sqlite3_column_double(statement, column))
        case SQLITE_TEXT:
            // The pointer first: asking for it may convert the text, and with it its length.
            let start = sqlite3_column_text(statement, column)
            let count = Int(sqlite3_column_bytes(statement, column))
            return .text(String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self))
        case SQLITE_BLOB:
            let start = sqlite3_column_blob(statement, column)
            let count = Int(sqlite3_column_bytes(statement, column))
            return .blob(Array(UnsafeRawBufferPointer(start: start, count: count)))
        default:
            return .null
        }
    }
}
