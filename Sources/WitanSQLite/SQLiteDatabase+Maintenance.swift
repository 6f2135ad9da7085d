import Dispatch
import GRDB
import WitanCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension SQLiteDatabase {
    /// How large the database's files are, in bytes.
    package struct Statistics: Sendable, Hashable {
        /// The database itself.
        package let fileBytes: Int

        /// The write-ahead log beside it; it keeps its length when its pages have been moved into the file.
        package let logBytes: Int
    }

    /// How large the database's files are now.
    package var statistics: Statistics {
        Statistics(fileBytes: DatabaseFile.size(of: pool.path), logBytes: DatabaseFile.size(of: pool.path + "-wal"))
    }

    /// Moves the whole write-ahead log into the file and empties it.
    ///
    /// A database that is written moves it by itself; this is for when its files shall be as small as they can.
    ///
    /// - Throws: `.unavailable` when readers need the log for longer than `Limits.databaseLockDuration`.
    package func checkpoint() async throws {
        try await withCheckedThrowingContinuation { continuation in
            pool.asyncWriteWithoutTransaction { database in
                continuation.resume(
                    with: Result {
                        try self.requireOpen()
                        try Self.failing { _ = try database.checkpoint(.truncate) }
                    }
                )
            }
        }
    }

    /// Reads every page and every index, and says what is wrong, a sentence each; empty when the database is sound.
    ///
    /// Takes seconds per gigabyte and does not hold up transactions. For `witan doctor`.
    package func integrityCheck() async throws -> [String] {
        try await maintain { [self] in
            try requireOpen()
            var problems: [String] = []
            do {
                try pool.read { database in
                    let sentences = try String.fetchCursor(database, sql: "PRAGMA integrity_check(20)")
                    while let sentence = try sentences.next() {
                        if sentence != "ok" { problems.append(sentence) }
                    }
                    let violations = try Row.fetchCursor(database, sql: "PRAGMA foreign_key_check")
                    while problems.count < 20, let violation = try violations.next() {
                        let (table, parent): (String, String) = (violation[0], violation[2])
                        problems.append("a row of \(table) refers to a row of \(parent) that does not exist")
                    }
                }
            } catch ResultCode.SQLITE_CORRUPT {
                problems.append("the rest cannot be checked, because a page cannot be read")
            }
            return problems
        }
    }

    /// Copies the database, as it is at one moment while writes go on, into a new file that opens by itself.
    ///
    /// The copy has its name only once it is complete and on the disk.
    ///
    /// - Throws: `.conflict` when there is something at `path`; `.unavailable` when it cannot be written.
    package func backup(to path: String) async throws {
        try await maintain { [self] in
            try requireOpen()
            var information = stat()
            guard lstat(path, &information) != 0 else {
                throw Failure(.conflict, "\(path) exists already: choose another name for the backup.")
            }
            let unfinished = path + ".unfinished"
            unlink(unfinished)
            try DatabaseFile.prepare(at: unfinished)
            do {
                try Self.copy(pool, to: unfinished)
                try DatabaseFile.synchronize(unfinished)
                guard rename(unfinished, path) == 0 else { throw SystemError.last.failure("create", path) }
                try DatabaseFile.synchronize(DatabaseFile.folder(of: path))
            } catch {
                unlink(unfinished)
                throw error
            }
        }
    }

    private static func copy(_ pool: DatabasePool, to path: String) throws {
        var configuration = Configuration()
        // One fsync at the end is enough; a copy that breaks off is deleted.
        configuration.prepareDatabase { database in try database.execute(sql: "PRAGMA synchronous = OFF") }
        let copy = try DatabaseQueue(path: path, configuration: configuration)
        try pool.backup(to: copy)
        // The copied head says that there is a write-ahead log; without it the copy also opens on a read-only disk.
        try copy.writeWithoutTransaction { database in try database.execute(sql: "PRAGMA journal_mode = DELETE") }
        try copy.close()
    }

    /// Runs what takes long on a queue of its own, and translates GRDB's errors.
    func maintain<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            maintenance.async { continuation.resume(with: Result { try Self.failing(body) }) }
        }
    }

    private static func failing<Value>(_ body: () throws -> Value) throws(Failure) -> Value {
        do {
            return try body()
        } catch {
            throw .sqlite(error)
        }
    }
}
