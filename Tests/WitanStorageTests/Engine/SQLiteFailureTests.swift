import Foundation
import Synchronization
import Testing
import WitanCore
import WitanSQLite
import WitanStorage
import WitanTesting

@Suite("Failures of the SQLite engine")
struct SQLiteFailureTests {
    // MARK: Opening

    /// Something in the way of opening a database.
    struct Obstacle: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let sentence: String
        var path: String?
        var put: @Sendable (_ path: String) async throws -> Void = { _ in }
    }

    private static let obstacles = [
        Obstacle(testDescription: "no folder", sentence: "make its folder first", path: "/nowhere/objects.db"),
        Obstacle(testDescription: "a folder that is a file", sentence: "make its folder first", path: "/dev/null/x.db"),
        Obstacle(testDescription: "a device", sentence: "is not a file", path: "/dev/null"),
        Obstacle(testDescription: "a file that is a folder", sentence: "is not a file") { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        },
        Obstacle(testDescription: "a file of another kind", sentence: "not an SQLite database") { path in
            try Data(repeating: 0x41, count: 8_192).write(to: URL(fileURLWithPath: path))
        },
        Obstacle(testDescription: "a file that was cut off", sentence: "damaged") { path in
            try await makeFile(at: path)
            try damage(path) { file in file.truncate(to: 4_096) }
        },
        Obstacle(testDescription: "a file whose schema is garbage", sentence: "damaged") { path in
            try await makeFile(at: path)
            try damage(path) { file in file.fill(100..<4_096) }
        },
    ]

    @Test("what cannot be opened is refused with a sentence that names the cause", arguments: obstacles)
    func refusesToOpen(obstacle: Obstacle) async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path("objects.db")
            try await obstacle.put(path)
            let failure = #expect(throws: Failure.self) {
                try SQLiteDatabase(path: obstacle.path ?? path, limits: .unhurried, time: .system)
            }
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains(obstacle.sentence) == true, "\(failure?.message ?? "")")
        }
    }

    @Test(
        "a file or a folder that may not be written is refused",
        .disabled(if: geteuid() == 0, "root may write it all")
    )
    func refusesReadOnly() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path("objects.db")
            try await Self.makeFile(at: path)
            for (item, mode) in [(path, 0o400), (folder.path(), 0o500)] {
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: item)
                let failure = #expect(throws: Failure.self) {
                    try SQLiteDatabase(path: path, limits: .unhurried, time: .system)
                }
                try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: item)
                #expect(failure?.message.contains("let the server's user") == true)
            }
        }
    }

    @Test("a damaged page does not keep a database from opening; a read and the check tell of it")
    func damagedPage() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path("objects.db")
            try await Self.makeFile(at: path)
            try Self.damage(path) { file in file.fill((file.bytes.count - 8_192)..<file.bytes.count) }
            let database = try SQLiteDatabase(path: path, limits: .unhurried, time: .system)
            let failure = await #expect(throws: Failure.self) { try await numbers(in: database) }
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains("damaged") == true)
            #expect(try await !database.integrityCheck().isEmpty)
            try await database.close()
        }
    }

    // MARK: Writing

    @Test("a full disk fails the writes that met it, and the others of their group are kept")
    func fullDisk() async throws {
        var limits = Limits.unhurried
        limits.queuedTransactions = 8
        try await withSQLite(limits: limits) { database, _ in
            try await makeRows(0, in: database)
            _ = try await database.write { try $0.row("PRAGMA max_page_count = 20") }
            let filler = String(repeating: "x", count: 200_000)
            let answers = try await database.writeTogether(8) { connection, index in
                try connection.run("INSERT INTO rows (number) VALUES (\(index))")
                if index % 3 == 1 { try connection.run("UPDATE rows SET filler = \(filler) WHERE number = \(index)") }
            }
            for (index, error) in answers.errors {
                #expect((error as? Failure)?.code == (index % 3 == 1 ? .unavailable : nil))
                if let failure = error as? Failure { #expect(failure.message.contains("free some space")) }
            }
            #expect(try await numbers(in: database) == answers.errors.keys.filter { $0 % 3 != 1 }.sorted())
        }
    }

    @Test("a closure that ignores that the database undid its transaction cannot go on, nor succeed")
    func ignoresUndoing() async throws {
        try await withSQLite { database, _ in
            try await makeRows(0, in: database)
            _ = try await database.write { try $0.row("PRAGMA max_page_count = 20") }
            let filler = String(repeating: "x", count: 200_000)
            let failure = await #expect(throws: Failure.self) {
                try await database.write { connection in
                    #expect(throws: Failure.self) {
                        try connection.run("INSERT INTO rows (number, filler) VALUES (1, \(filler))")
                    }
                    #expect(throws: Failure.self) { try connection.run("INSERT INTO rows (number) VALUES (2)") }
                }
            }
            #expect(failure?.code == .unavailable)
            #expect(try await numbers(in: database) == [])
        }
    }

    #if os(Linux)
    @Test("a commit that the disk refuses fails every write of its group, and nothing of them stays")
    func failingCommit() async throws {
        var limits = Limits.unhurried
        limits.queuedTransactions = 4
        try await withSQLite(limits: limits) { database, folder in
            try await makeRows(1, in: database)
            try await database.checkpoint()
            let disk = try FullDisk(of: folder.path("objects.db-wal"))
            let answers = try await database.writeTogether(4) { connection, index in
                try connection.run("INSERT INTO rows (number) VALUES (\(1 + index))")
            }
            disk.freeSpace()
            #expect(answers.errors.count == 4)
            for error in answers.errors.values {
                #expect((error as? Failure)?.code == .unavailable)
                #expect((error as? Failure)?.message.contains("free some space") == true)
            }
            #expect(try await numbers(in: database) == [0])
            try await database.write { try $0.run("INSERT INTO rows (number) VALUES (1)") }
            #expect(try await numbers(in: database) == [0, 1])
        }
    }
    #endif

    @Test("a constraint that is checked at the commit fails the write that broke it, not its group")
    func deferredConstraint() async throws {
        var limits = Limits.unhurried
        limits.queuedTransactions = 6
        try await withSQLite(limits: limits) { database, _ in
            try await database.write { connection in
                try connection.run(
                    """
                    CREATE TABLE rows (
                        number INTEGER PRIMARY KEY,
                        parent INTEGER REFERENCES rows (number) DEFERRABLE INITIALLY DEFERRED
                    ) STRICT
                    """
                )
            }
            let answers = try await database.writeTogether(6) { connection, index in
                let parent = index.isMultiple(of: 2) ? index : 999
                try connection.run("INSERT INTO rows (number, parent) VALUES (\(index), \(parent))")
            }
            for (index, error) in answers.errors {
                #expect((error as? Failure)?.code == (index.isMultiple(of: 2) ? nil : .invalidRequest))
            }
            #expect(try await numbers(in: database) == answers.errors.keys.filter { $0.isMultiple(of: 2) }.sorted())
        }
    }

    /// Six seconds pass whenever somebody looks at the clock, of the ten that a statement has.
    private static func hastyClock() -> TimeSource {
        let clock = Mutex<Int64>(0)
        return TimeSource(
            now: { Timestamp(microseconds: 0) },
            monotonic: {
                clock.withLock { nanoseconds in
                    nanoseconds += 6_000_000_000
                    return nanoseconds
                }
            }
        )
    }

    @Test("a statement that runs too long is interrupted, undone, and costs its group nothing else")
    func interruptsStatement() async throws {
        var limits = Limits.unhurried
        limits.queuedTransactions = 6
        limits.transactionWaitDuration = .seconds(1_000)
        let endless: SQLQuery = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        try await withSQLite(limits: limits, time: Self.hastyClock()) { database, _ in
            try await makeRows(0, in: database)
            let failure = await #expect(throws: Failure.self) {
                try await database.read { try $0.row("\(endless) SELECT COUNT(*) FROM n") }
            }
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains("too long") == true)
            let answers = try await database.writeTogether(6) { connection, index in
                try connection.run("INSERT INTO rows (number) VALUES (\(-index))")
                if index % 4 == 3 {
                    try connection.run("\(endless) INSERT INTO rows (number) SELECT MIN(i) FROM n GROUP BY i % 2")
                }
            }
            for (index, error) in answers.errors {
                #expect((error as? Failure)?.code == (index % 4 == 3 ? .unavailable : nil))
            }
            let kept = answers.errors.keys.filter { $0 % 4 != 3 }
            #expect(try await numbers(in: database) == kept.map { -$0 }.sorted())
        }
    }

    @Test("a transaction that waited longer than a request may take is refused, and does nothing")
    func refusesLate() async throws {
        var limits = Limits.unhurried
        limits.transactionWaitDuration = .seconds(5)
        let wasRun = Atomic(false)
        try await withSQLite(limits: limits, time: Self.hastyClock()) { database, _ in
            for isWrite in [false, true] {
                let body: @Sendable (any SQLConnection) throws -> Void = { _ in
                    wasRun.store(true, ordering: .relaxed)
                }
                let failure = await #expect(throws: Failure.self) {
                    if isWrite { try await database.write(body) } else { try await database.read(body) }
                }
                #expect(failure?.code == .unavailable)
                #expect(failure?.retryAfter != nil)
            }
        }
        let didRun = wasRun.load(ordering: .relaxed)
        #expect(!didRun)
    }

    @Test("each statement of a transaction has the whole time for itself")
    func countsEachStatement() async throws {
        var limits = Limits.unhurried
        limits.transactionWaitDuration = .seconds(1_000)
        try await withSQLite(limits: limits, time: Self.hastyClock()) { database, _ in
            try await database.read { connection in
                for _ in 1...10 {
                    // Long enough to be asked about, once or twice.
                    let row = try connection.row(
                        """
                        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2500)
                        SELECT COUNT(*) FROM n
                        """
                    )
                    #expect(row?[0] == 2_500)
                }
            }
        }
    }

    @Test("a database that another program has locked is unavailable to writes, and can be read")
    func locked() async throws {
        var limits = Limits.unhurried
        limits.databaseLockDuration = .milliseconds(1)
        try await withSQLite(limits: limits) { database, folder in
            try await makeRows(1, in: database)
            let other = try SQLiteDatabase(path: folder.path("objects.db"), limits: .unhurried, time: .system)
            try await other.holdingWriter { _ in
                let failure = await #expect(throws: Failure.self) { try await makeRows(0, in: database) }
                #expect(failure?.code == .unavailable)
                #expect(failure?.message.contains("lock") == true)
                let readable = try await numbers(in: database)
                #expect(readable == [0])
            }
            try await makeRows(0, in: database)
            try await other.close()
        }
    }

    // MARK: Helpers

    /// Makes a closed database with a table of several pages.
    private static func makeFile(at path: String) async throws {
        let database = try SQLiteDatabase(path: path, limits: .unhurried, time: .system)
        try await makeRows(5_000, in: database)
        try await database.close()
    }

    /// A file's bytes, to be damaged.
    private struct File {
        var bytes: Data

        mutating func truncate(to count: Int) {
            bytes = bytes.prefix(count)
        }

        mutating func fill(_ range: Range<Int>) {
            bytes.replaceSubrange(range, with: Data(repeating: 0xA5, count: range.count))
        }
    }

    private static func damage(_ path: String, _ change: (inout File) -> Void) throws {
        let url = URL(fileURLWithPath: path)
        var file = File(bytes: try Data(contentsOf: url))
        change(&file)
        try file.bytes.write(to: url)
    }
}

#if os(Linux)
/// Makes this process's open files of one name refuse what is written to them, as a full disk does.
private struct FullDisk {
    private let replaced: [(descriptor: CInt, original: CInt)]

    init(of path: String) throws {
        let device = open("/dev/full", O_RDWR | O_CLOEXEC)
        defer { close(device) }
        // All are found before any is touched: a copy of a descriptor would be found too.
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            .filter { name in
                // Another test may have closed it since it was listed.
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
                return target == path
            }
        replaced = descriptors.compactMap(CInt.init)
            .map { descriptor in
                let original = dup(descriptor)
                dup2(device, descriptor)
                return (descriptor, original)
            }
        try #require(!replaced.isEmpty)
    }

    func freeSpace() {
        for (descriptor, original) in replaced {
            dup2(original, descriptor)
            close(original)
        }
    }
}
#endif
