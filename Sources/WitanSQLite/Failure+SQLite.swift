import GRDB
import WitanCore

extension Failure {
    /// What a result code of SQLite's means to the caller (https://sqlite.org/rescode.html).
    static func sqlite(_ code: ResultCode) -> Failure {
        sqlite(DatabaseError(resultCode: code))
    }

    /// What an error that GRDB threw means to the caller, in a sentence without values.
    static func sqlite(_ error: any Error) -> Failure {
        guard let error = error as? DatabaseError else {
            return (error as? Failure) ?? .bug("The database failed", underlying: error)
        }
        // A primary code as a pattern matches all its extended codes.
        switch error.extendedResultCode {
        case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY, .SQLITE_CONSTRAINT_ROWID:
            return Failure(.conflict, "An object with the same unique value exists already.", underlying: error)
        case .SQLITE_CONSTRAINT_FOREIGNKEY:
            return Failure(
                .invalidRequest,
                "An object that is referred to does not exist, or others still refer to the object.",
                underlying: error
            )
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return unavailable("Another program holds the database's lock: close it, then try again.", error)
        // The file of the shared memory could not be made as long as it must be.
        case .SQLITE_FULL, .SQLITE_IOERR_SHMSIZE:
            return unavailable(
                "The disk that holds the database is full: free some space; nothing was lost.",
                error
            )
        case .SQLITE_IOERR:
            return unavailable("The disk that holds the database failed: look at the system's log.", error)
        case .SQLITE_READONLY, .SQLITE_PERM:
            return unavailable(
                "The database is read-only: let the server's user write to its file and to its folder.",
                error
            )
        case .SQLITE_CANTOPEN:
            return unavailable(
                "The database's file cannot be opened: check that the server's user may read and write it.",
                error
            )
        case .SQLITE_CORRUPT:
            return unavailable(
                "The database's file is damaged: stop the server, run `witan doctor`, and bring back a backup.",
                error
            )
        case .SQLITE_NOTADB:
            return unavailable(
                "The database's file is not an SQLite database: choose another folder, or bring back a backup.",
                error
            )
        case .SQLITE_NOMEM:
            return unavailable("There is no memory left for the database: give the server more.", error)
        case .SQLITE_INTERRUPT:
            return unavailable("The database took too long for one statement: ask for less at a time.", error)
        case .SQLITE_ABORT_ROLLBACK:
            return unavailable("The database undid the transaction: try again.", error)
        default:
            return .bug("A statement failed with SQLite's code \(error.extendedResultCode.rawValue)", underlying: error)
        }
    }

    /// Whether the data broke a rule of the schema.
    var isConstraint: Bool { (underlying as? DatabaseError)?.resultCode == .SQLITE_CONSTRAINT }

    private static func unavailable(_ sentence: String, _ error: DatabaseError) -> Failure {
        Failure(.unavailable, sentence, retryAfter: .seconds(1), underlying: error)
    }
}
