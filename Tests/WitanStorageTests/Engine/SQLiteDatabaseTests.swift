import Foundation
import Synchronization
import Testing
import WitanCore
import WitanSQLite
import WitanStorage
import WitanTesting

@Suite("The SQLite engine")
struct SQLiteDatabaseTests {
    @Test("a transaction that has begun runs to its end though its task is cancelled")
    func cancelledWhileRunning() async throws {
        try await withSQLite { database, _ in
            try await makeRows(0, in: database)
            let (begun, told) = AsyncStream<Void>.makeStream()
            let gate = Gate()
            try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask {
                    defer { told.finish() }
                    return try await database.write { connection in
                        told.yield()
                        gate.waitUntilOpen()
                        return try connection.run("INSERT INTO rows (number) VALUES (1)")
                    }
                }
                for await _ in begun.prefix(1) {}
                group.cancelAll()
                gate.open()
                let inserted = try await group.next()
                #expect(inserted == 1)
            }
        }
    }

    @Test("the settings that durability and safety rest on are in force")
    func settings() async throws {
        try await withSQLite(limits: Limits()) { database, _ in
            let writer = try await database.write { connection in
                try [
                    "journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint", "busy_timeout",
                    "trusted_schema",
                ]
                .map { name in try connection.row("PRAGMA \(raw: name)")?[0] }
            }
            #expect(writer == ["wal", 2, 1, 0, 5_000, 0])
            let reader = try await database.read { connection in
                try ["foreign_keys", "busy_timeout"].map { name in try connection.row("PRAGMA \(raw: name)")?[0] }
            }
            #expect(reader == [1, 5_000])
        }
    }

    @Test("no other user can read any file of a database")
    func fileModes() async throws {
        try await withSQLite { database, folder in
            try await makeRows(1, in: database)
            #expect(try folder.names() == ["objects.db", "objects.db-shm", "objects.db-wal"])
            for name in try folder.names() {
                let attributes = try FileManager.default.attributesOfItem(atPath: folder.path(name))
                #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(name)")
            }
        }
    }

    @Test("a closed database leaves one file, and refuses transactions")
    func close() async throws {
        try await withSQLite { database, folder in
            try await makeRows(10, in: database)
            #expect(try await numbers(in: database).count == 10)
            try await database.close()
            #expect(try folder.names() == ["objects.db"])
            let uses: [() async throws -> Void] = [
                { try await makeRows(1, in: database) }, { _ = try await numbers(in: database) },
                { try await database.checkpoint() }, { try await database.backup(to: folder.path("copy.db")) },
            ]
            for use in uses {
                let failure = await #expect(throws: Failure.self) { try await use() }
                #expect(failure?.code == .unavailable)
            }
        }
    }

    @Test("closing refuses what waits and lets what runs end")
    func closeWhileWaiting() async throws {
        try await withSQLite { database, _ in
            try await makeRows(0, in: database)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (begun, told) = AsyncStream<Void>.makeStream()
                let gate = Gate()
                group.addTask {
                    try await database.write { connection in
                        told.yield()
                        gate.waitUntilOpen()
                        try connection.run("INSERT INTO rows (number) VALUES (1)")
                    }
                }
                for await _ in begun.prefix(1) {}
                group.addTask {
                    let failure = await #expect(throws: Failure.self) { try await makeRows(1, in: database) }
                    #expect(failure?.code == .unavailable)
                    gate.open()
                }
                group.addTask { try await database.close() }
                try await group.waitForAll()
            }
        }
    }

    @Test("the write-ahead log is emptied on demand, and does not grow without bounds by itself")
    func writeAheadLog() async throws {
        try await withSQLite { database, _ in
            try await makeRows(0, in: database)
            // 120 megabytes in all, which the log would hold if nothing moved them.
            let filler = String(repeating: "x", count: 4_000_000)
            for number in 0..<30 {
                try await database.write { connection in
                    try connection.run("INSERT INTO rows (number, filler) VALUES (\(number), \(filler))")
                }
            }
            #expect(database.statistics.logBytes < 80_000_000)
            try await database.checkpoint()
            #expect(database.statistics.logBytes == 0)
            #expect(database.statistics.fileBytes > 0)
            #expect(try await numbers(in: database) == Array(0..<30))
        }
    }

    @Test("a backup made while writes go on holds one moment, and opens by itself on a read-only disk")
    func backup() async throws {
        try await withSQLite { database, folder in
            try await makeRows(1_000, in: database)
            let copy = folder.path("copy.db")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await database.backup(to: copy) }
                for number in 1_000..<1_200 {
                    // Two rows each, so that a copy with an odd number of them would hold half a transaction.
                    group.addTask {
                        try await database.write { connection in
                            try connection.run("INSERT INTO rows (number) VALUES (\(number * 2))")
                            try connection.run("INSERT INTO rows (number) VALUES (\(number * 2 + 1))")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try folder.names().filter { $0.hasPrefix("copy") } == ["copy.db"])
            // https://sqlite.org/fileformat.html, 1.3: bytes 18 and 19 are 1 when there is no write-ahead log.
            let head = try Data(contentsOf: URL(fileURLWithPath: copy)).prefix(20)
            #expect(Array(head[18...19]) == [1, 1])
            let failure = await #expect(throws: Failure.self) { try await database.backup(to: copy) }
            #expect(failure?.code == .conflict)

            let opened = try SQLiteDatabase(path: copy, limits: .unhurried, time: .system)
            let copied = try await numbers(in: opened).count
            #expect(copied >= 1_000 && copied.isMultiple(of: 2))
            #expect(try await opened.integrityCheck() == [])
            try await opened.close()
        }
    }

    @Test("a backup that cannot be written fails with a sentence and leaves nothing behind")
    func backupFails() async throws {
        try await withSQLite { database, folder in
            let failure = await #expect(throws: Failure.self) {
                try await database.backup(to: folder.path("missing/copy.db"))
            }
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains("make its folder first") == true)
            let names = try folder.names()
            #expect(names == ["objects.db", "objects.db-shm", "objects.db-wal"])
        }
    }

    @Test("the check finds nothing in a sound database, and a reference to nothing in another")
    func integrityCheck() async throws {
        try await withSQLite { database, _ in
            try await makeRows(1, in: database)
            #expect(try await database.integrityCheck() == [])
            try await database.write { connection in
                try connection.run("CREATE TABLE children (parent INTEGER) STRICT")
                try connection.run("INSERT INTO children (parent) VALUES (99)")
                // The only way past the engine's own check: the reference is written into the schema afterwards.
                try connection.run("PRAGMA writable_schema = ON")
                try connection.run(
                    """
                    UPDATE sqlite_schema SET sql = \("CREATE TABLE children (parent INTEGER REFERENCES rows (number)) STRICT")
                    WHERE name = 'children'
                    """
                )
                try connection.run("PRAGMA writable_schema = OFF")
                try connection.run("CREATE TABLE others (number INTEGER) STRICT")
            }
            #expect(
                try await database.integrityCheck() == ["a row of children refers to a row of rows that does not exist"]
            )
        }
    }
}

// MARK: - Helpers

/// Opens a database in a temporary folder while `body` uses it.
func withSQLite(
    limits: Limits = .unhurried,
    time: TimeSource = .system,
    _ body: (SQLiteDatabase, TemporaryFolder) async throws -> Void
) async throws {
    try await TemporaryFolder.with { folder in
        let database = try SQLiteDatabase(path: folder.path("objects.db"), limits: limits, time: time)
        try await body(database, folder)
        try await database.close()
    }
}

/// Makes a table `rows`, unless it is there, with so many more rows.
func makeRows(_ count: Int, in database: SQLiteDatabase) async throws {
    try await database.write { connection in
        try connection.run("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, filler TEXT) STRICT")
        for number in 0..<count { try connection.run("INSERT INTO rows (number) VALUES (\(number))") }
    }
}

/// The numbers in the table `rows`, in order.
func numbers(in database: SQLiteDatabase) async throws -> [Int] {
    try await database.read { connection in
        try connection.rows("SELECT number FROM rows ORDER BY number").map { Int(try $0.integer(0)) }
    }
}
