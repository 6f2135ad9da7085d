import CSQLite

/// What SQLite answered instead of doing what it was told.
struct SQLiteError: Error, CustomStringConvertible {
    let description: String
}

/// A connection to a database file.
struct Connection: ~Copyable {
    private let handle: OpaquePointer

    init(path: String) throws {
        var handle: OpaquePointer?
        guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK, let handle
        else {
            throw SQLiteError(description: "\(path) cannot be opened: \(Self.message(of: handle))")
        }
        self.handle = handle
    }

    deinit {
        sqlite3_close_v2(handle)
    }

    /// Runs statements that give no rows, or none that matter.
    func execute(_ text: String) throws {
        guard sqlite3_exec(handle, text, nil, nil, nil) == SQLITE_OK else { throw error }
    }

    /// Compiles a statement, to be run many times.
    func prepare(_ text: String) throws -> Statement {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v3(handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK,
            let statement
        else { throw error }
        return Statement(handle: statement)
    }

    private var error: SQLiteError { SQLiteError(description: Self.message(of: handle)) }

    private static func message(of handle: OpaquePointer?) -> String { String(cString: sqlite3_errmsg(handle)) }
}

/// A compiled statement.
struct Statement: ~Copyable {
    /// What can be bound.
    enum Value {
        case integer(Int64)
        case text(String)
        case blob([UInt8])
    }

    private let handle: OpaquePointer

    /// Tells SQLite to copy what is bound.
    private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    fileprivate init(handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        sqlite3_finalize(handle)
    }

    /// Runs the statement and returns the columns of its first row as texts; empty when there is none.
    @discardableResult
    func run(_ values: Value...) throws -> [String] {
        defer { sqlite3_reset(handle) }
        for (index, value) in zip(CInt(1)..., values) {
            switch value {
            case .integer(let integer): sqlite3_bind_int64(handle, index, integer)
            case .text(let text): sqlite3_bind_text(handle, index, text, -1, Self.transient)
            case .blob(let bytes): sqlite3_bind_blob(handle, index, bytes, CInt(bytes.count), Self.transient)
            }
        }
        switch sqlite3_step(handle) {
        case SQLITE_DONE:
            return []
        case SQLITE_ROW:
            return (0..<sqlite3_column_count(handle)).map { String(cString: sqlite3_column_text(handle, $0)) }
        default:
            throw SQLiteError(description: String(cString: sqlite3_errmsg(sqlite3_db_handle(handle))))
        }
    }
}
