import Synchronization
import Testing
import WitanCore
import WitanStorage

/// What every engine must do, a rule each; run against each engine by a test.
package struct DatabaseContract: Sendable, CustomTestStringConvertible {
    /// The rule, as a sentence.
    package let rule: String

    /// Checks an engine, with expectations of Swift Testing's.
    package let check: @Sendable (Engine) async throws -> Void

    private init(_ rule: String, check: @escaping @Sendable (Engine) async throws -> Void) {
        self.rule = rule
        // The rules' own tables have no indexes, and the rules' statements fail, wait and are interrupted.
        self.check = { engine in try await check(engine.unchecked) }
    }

    package var testDescription: String { rule }

    /// Every rule.
    package static let all = values + statements + transactions + groups + waiting
}

// MARK: - Values

extension DatabaseContract {
    private static let values = [
        DatabaseContract("a value comes back as it was stored, and of the same kind") { engine in
            let texts: [SQLValue] = [
                "", " ", "'; DROP TABLE kinds; --", "?", "$1", "\u{1}\u{7F}", "e\u{301}", "\u{E9}", "\u{FEFF}x",
                "\u{FFFF}",
                "Ω 漢字 🏳️‍🌈 \u{10FFFF}", .text(String(repeating: "ß", count: 1 << 19)),
            ]
            let integers: [SQLValue] = [0, -1, 1, .integer(.min), .integer(.max), .integer(1 << 53 + 1)]
            let reals: [SQLValue] = [
                .real(0.1), .real(-0.5), .real(.greatestFiniteMagnitude), .real(.leastNonzeroMagnitude),
            ]
            let blobs: [SQLValue] = [
                .blob([]), .blob([0]), .blob(Array(0...255)), .blob([UInt8](repeating: 0xFF, count: 1 << 20)),
            ]
            try await engine.withDatabase { database in
                try await database.write { connection in
                    let dialect = connection.dialect
                    try connection.run(
                        """
                        CREATE TABLE kinds (
                            place \(raw: dialect.integerType) NOT NULL PRIMARY KEY,
                            of_text TEXT,
                            of_integer \(raw: dialect.integerType),
                            of_blob \(raw: dialect.blobType)
                        )\(raw: dialect.tableSuffix)
                        """
                    )
                }
                for (column, kind) in [("of_text", texts), ("of_integer", integers), ("of_blob", blobs)] {
                    for value in kind + [nil] {
                        let stored = try await database.write { connection in
                            try connection.run("DELETE FROM kinds")
                            try connection.run("INSERT INTO kinds (place, \(identifier: column)) VALUES (1, \(value))")
                            return try connection.row("SELECT \(identifier: column) FROM kinds")
                        }
                        // Not `==` on strings alone, which takes canonically equivalent ones as equal.
                        #expect(stored?[0].identity == value.identity, "\(column)")
                    }
                }
                for real in reals {
                    let row = try await database.read { try $0.row("SELECT \(real) * 1.0") }
                    #expect(row?[0] == real)
                }
            }
        },
        DatabaseContract("a text with U+0000 is refused, since not all engines can keep it") { engine in
            try await engine.withDatabase { database in
                for text in ["\0", "a\0b", "ab\0"] {
                    await expectFailure(.invalidRequest) { try await database.read { try $0.row("SELECT \(text)") } }
                }
            }
        },
        DatabaseContract("what is no number is refused, since not all engines can keep it") { engine in
            try await engine.withDatabase { database in
                for value in [SQLValue.real(.nan), .real(-.nan)] {
                    await expectFailure(.invalidRequest) { try await database.read { try $0.row("SELECT \(value)") } }
                }
            }
        },
        DatabaseContract("a question mark in a literal is no placeholder") { engine in
            try await engine.withDatabase { database in
                let row = try await database.read { connection in
                    try connection.row("SELECT '?', \("one"), 'it''s ?', \("two") -- ?")
                }
                #expect(row?.values == ["?", "one", "it's ?", "two"])
            }
        },
        DatabaseContract("a list of 1,000 values is one statement, whatever its length") { engine in
            try await engine.withTable { database in
                try await database.write { connection in
                    for id in 1...1_000 { try connection.run("INSERT INTO items (id, value) VALUES (\(id), 1)") }
                }
                for length in [0, 1, 2, 31, 32, 33, 999, 1_000] {
                    let list = (0..<length).map { SQLValue.integer(Int64($0 + 1)) }
                    let row = try await database.read { connection in
                        try connection.row("SELECT COUNT(*) FROM items WHERE id IN \(list: list)")
                    }
                    #expect(try row?.integer(0) == Int64(length))
                }
            }
        },
    ]
}

extension SQLValue {
    /// The value with a text's exact code points.
    fileprivate var identity: [UInt8]? {
        switch self {
        case .null: nil
        case .integer(let integer): Array("integer \(integer)".utf8)
        case .real(let real): Array("real \(real)".utf8)
        case .text(let text): Array("text \(text)".utf8)
        case .blob(let bytes): Array("blob ".utf8) + bytes
        }
    }
}

// MARK: - Statements

extension DatabaseContract {
    private static let statements = [
        DatabaseContract("`run` counts the rows that it inserted, changed or deleted") { engine in
            try await engine.withTable { database in
                let counts = try await database.write { connection in
                    [
                        try connection.run("INSERT INTO items (id, value) VALUES (1, 1), (2, 1), (3, 2)"),
                        try connection.run("UPDATE items SET value = 5 WHERE value = 1"),
                        try connection.run("UPDATE items SET value = 5 WHERE value = 7"),
                        try connection.run("DELETE FROM items WHERE id = 3"),
                        try connection.run("CREATE INDEX items_by_value ON items (value)"),
                    ]
                }
                #expect(counts == [3, 2, 0, 1, 0])
            }
        },
        DatabaseContract("a statement that changes rows can return them") { engine in
            try await engine.withTable { database in
                let rows = try await database.write { connection in
                    try connection.rows("INSERT INTO items (id, value) VALUES (1, 10), (2, 20) RETURNING value, id")
                }
                #expect(rows.map(\.values) == [[10, 1], [20, 2]])
            }
        },
        DatabaseContract("a second row with a unique value is a conflict") { engine in
            try await engine.withTable { database in
                try await database.write { try $0.run("INSERT INTO items (id, name) VALUES (1, 'a')") }
                for row: SQLQuery in ["(1, 'b')", "(2, 'a')"] {
                    await expectFailure(.conflict) {
                        try await database.write { try $0.run("INSERT INTO items (id, name) VALUES \(row)") }
                    }
                }
            }
        },
        DatabaseContract("a reference to nothing, or the loss of what is referred to, is an invalid request") {
            engine in
            try await engine.withTable { database in
                try await database.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
                try await database.write { try $0.run("INSERT INTO items (id, parent) VALUES (2, 1)") }
                for statement: SQLQuery in [
                    "INSERT INTO items (id, parent) VALUES (3, 9)", "DELETE FROM items WHERE id = 1",
                ] {
                    await expectFailure(.invalidRequest) { try await database.write { try $0.run(statement) } }
                }
            }
        },
        DatabaseContract("a mistake in the program is a bug, and its message holds no value") { engine in
            try await engine.withTable { database in
                let mistakes: [SQLQuery] = [
                    "SELECT nothing FROM nowhere WHERE id = \("secret")",
                    "SELECT FROM \("secret")",
                    "INSERT INTO items (id, value) VALUES (1, \("secret"))",
                    "SELECT 1; SELECT \("secret")",
                ]
                for mistake in mistakes {
                    let failure = await expectFailure(.bug) { try await database.write { try $0.rows(mistake) } }
                    #expect(failure?.message.contains("secret") == false)
                }
            }
        },
        DatabaseContract("a transaction that reads cannot write") { engine in
            try await engine.withTable { database in
                await expectFailure(.bug) {
                    try await database.read { try $0.run("INSERT INTO items (id) VALUES (1)") }
                }
                try await expectCount(0, in: database)
            }
        },
    ]
}

// MARK: - Transactions

extension DatabaseContract {
    private static let transactions = [
        DatabaseContract("a read sees every write that was answered before it, under load") { engine in
            try await engine.withTable { database in
                try await withThrowingTaskGroup { group in
                    for id in 1...8 {
                        group.addTask {
                            try await database.write { try $0.run("INSERT INTO items (id, value) VALUES (\(id), 0)") }
                            for value in 1...50 {
                                try await database.write { connection in
                                    try connection.run("UPDATE items SET value = \(value) WHERE id = \(id)")
                                }
                                let row = try await database.read { connection in
                                    try connection.row("SELECT value FROM items WHERE id = \(id)")
                                }
                                #expect(try row?.integer(0) == Int64(value))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        },
        DatabaseContract("an answered write is there when the database is opened again") { engine in
            try await engine.withPlace { place in
                try await place.withDatabase { database in
                    try await makeTable(in: database)
                    try await database.write { try $0.run("INSERT INTO items (id, name) VALUES (1, 'kept')") }
                }
                try await place.withDatabase { database in
                    let row = try await database.read { try $0.row("SELECT name FROM items WHERE id = 1") }
                    #expect(try row?.text(0) == "kept")
                }
            }
        },
        DatabaseContract("an error undoes all changes of its transaction and reaches the caller as it is") { engine in
            try await engine.withTable { database in
                await #expect(throws: Refusal.self) {
                    try await database.write { connection in
                        try connection.run("INSERT INTO items (id) VALUES (1)")
                        try connection.run("CREATE TABLE others (id TEXT)")
                        throw Refusal()
                    }
                }
                try await expectCount(0, in: database)
                let tables = try await database.read { try $0.rows($0.dialect.tablesNamed("others")) }
                #expect(tables.isEmpty)
            }
        },
        DatabaseContract("writes at the same time all succeed, and none is lost") { engine in
            try await engine.withTable { database in
                try await database.write { try $0.run("INSERT INTO items (id, value) VALUES (1, 0)") }
                try await withThrowingTaskGroup { group in
                    for _ in 1...32 {
                        group.addTask {
                            for _ in 1...25 {
                                try await database.write { connection in
                                    let value =
                                        try connection.row("SELECT value FROM items WHERE id = 1")?.integer(0) ?? 0
                                    try connection.run("UPDATE items SET value = \(Int(value) + 1) WHERE id = 1")
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let row = try await database.read { try $0.row("SELECT value FROM items WHERE id = 1") }
                #expect(try row?.integer(0) == 32 * 25)
            }
        },
        DatabaseContract("a read sees one moment: never half a write, and no write that ends while it runs") { engine in
            try await engine.withTable { database in
                try await database.write { try $0.run("INSERT INTO items (id, value) VALUES (1, 0), (2, 0)") }
                let (firstRead, told) = AsyncStream<Void>.makeStream()
                let gate = Gate()
                try await withThrowingTaskGroup { group in
                    group.addTask {
                        defer { told.finish() }
                        let sums = try await database.read { connection in
                            let first = try connection.row("SELECT SUM(value), MAX(value) FROM items")
                            told.yield()
                            gate.waitUntilOpen()
                            return [first, try connection.row("SELECT SUM(value), MAX(value) FROM items")]
                        }
                        #expect(sums.map { $0?[1] } == [0, 0])
                    }
                    for await _ in firstRead.prefix(1) {}
                    for amount in 1...50 {
                        group.addTask {
                            try await database.write { connection in
                                try connection.run("UPDATE items SET value = value - \(amount) WHERE id = 1")
                                try connection.run("UPDATE items SET value = value + \(amount) WHERE id = 2")
                            }
                            let sum = try await database.read {
                                try $0.row("SELECT CAST(SUM(value) AS TEXT) FROM items")
                            }
                            #expect(try sum?.text(0) == "0")
                            if amount == 50 { gate.open() }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        },
    ]
}

// MARK: - Groups

extension DatabaseContract {
    private static let groups = [
        DatabaseContract("writes that wait at the same time share a commit, up to the limit") { engine in
            // Told of after the answers were given, so that the test has to wait for them.
            let groups = AsyncStream<Int>.makeStream()
            let observer = TransactionObserver { kind, count, _ in
                if kind == .write { groups.continuation.yield(count) }
            }
            var limits = Limits.unhurried
            limits.queuedTransactions = 10
            limits.transactionsPerGroup = 6
            try await engine.withTable(limits: limits, observer: observer) { database in
                let answers = try await database.writeTogether(10) { connection, index in
                    try connection.run("INSERT INTO items (id) VALUES (\(index))")
                }
                #expect(answers.refusal.code == .unavailable)
                #expect(answers.refusal.retryAfter != nil)
                #expect(answers.errors.values.allSatisfy { $0 == nil })
                try await expectCount(10, in: database)
                var sizes: [Int] = []
                for await size in groups.stream {
                    sizes.append(size)
                    if sizes.reduce(0, +) >= 12 { break }
                }
                // The table was made alone. The transaction that held the writer is in the group after it, which took
                // late comers up to the limit.
                #expect(sizes == [1, 6, 5])
            }
        },
        DatabaseContract("a pending change is written once for a group, without what was undone") { engine in
            let commits = Mutex(0)
            var limits = Limits.unhurried
            limits.queuedTransactions = 5
            try await engine.withTable(limits: limits) { database in
                let answers = try await database.writeTogether(5) { connection, index in
                    let before = (connection.pendingChange("tally") as? Tally)?.ids ?? []
                    connection.setPendingChange("tally", Tally(ids: before + [index]) { commits.withLock { $0 += 1 } })
                    if index.isMultiple(of: 2) { throw Failure(.invalidRequest, "undone") }
                }
                let kept = answers.errors.filter { $0.value == nil }.count
                try await expectCount(kept, in: database)
                #expect(commits.withLock { $0 } == 1)
                #expect(try await database.write { $0.pendingChange("tally") == nil })
            }
        },
        DatabaseContract("an error undoes only its own changes in a group, wherever in the group it is") { engine in
            for failing in [[0], [1], [4], [0, 1], [0, 2, 4], [3, 4], [0, 1, 2, 3, 4]] {
                var limits = Limits.unhurried
                limits.queuedTransactions = 5
                try await engine.withTable(limits: limits) { database in
                    // A transaction keeps its place when it is run again.
                    let places = Mutex<[Int: Int]>([:])
                    let answers = try await database.writeTogether(5) { connection, index in
                        try connection.run("INSERT INTO items (id) VALUES (\(index))")
                        let place = places.withLock { places in
                            let place = places[index] ?? places.count
                            places[index] = place
                            return place
                        }
                        if failing.contains(place) { throw Refusal() }
                    }
                    let succeeded = answers.errors.filter { $0.value == nil }.keys.sorted()
                    #expect(succeeded.count == 5 - failing.count, "\(failing)")
                    #expect(answers.errors.values.allSatisfy { $0 == nil || $0 is Refusal }, "\(failing)")
                    let rows = try await database.read { try $0.rows("SELECT id FROM items ORDER BY id") }
                    #expect(rows.map { $0[0] } == succeeded.map { .integer(Int64($0)) }, "\(failing)")
                }
            }
        },
        DatabaseContract("an error in a read does not touch the reads beside it") { engine in
            try await engine.withTable { database in
                try await withThrowingTaskGroup { group in
                    for index in 0..<200 {
                        group.addTask {
                            if index % 2 == 0 {
                                let row = try await database.read { try $0.row("SELECT CAST(\(index) AS BIGINT)") }
                                #expect(row?.values == [.integer(Int64(index))])
                            } else {
                                await expectFailure(.bug) { try await database.read { try $0.row("SELECT nothing") } }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        },
    ]
}

// MARK: - Waiting

extension DatabaseContract {
    private static let waiting = [
        DatabaseContract("a write does not hold up reads") { engine in
            try await engine.withTable { database in
                try await database.holdingWriter { _ in
                    for _ in 1...20 { try await expectCount(0, in: database) }
                }
            }
        },
        DatabaseContract("a slow read holds up neither reads nor writes") { engine in
            try await engine.withTable { database in
                try await database.holdingReader { _ in
                    for id in 1...20 {
                        try await database.write { try $0.run("INSERT INTO items (id) VALUES (\(id))") }
                        try await expectCount(id, in: database)
                    }
                }
            }
        },
        DatabaseContract("a transaction of a request that has waited for long enough is refused, and never begins") {
            engine in
            try await engine.withTable { database in
                await TransactionDeadline.after(.seconds(-1), time: .system) {
                    for isWrite in [true, false] {
                        let failure = await #expect(throws: Failure.self) {
                            if isWrite {
                                try await database.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
                            } else {
                                _ = try await database.read { try $0.row("SELECT COUNT(*) FROM items") }
                            }
                        }
                        #expect(failure?.code == .unavailable)
                        #expect(failure?.retryAfter != nil)
                    }
                }
                try await expectCount(0, in: database)
            }
        },
        DatabaseContract("a transaction whose task is cancelled while it waits never begins") { engine in
            var limits = Limits.unhurried
            limits.queuedTransactions = 1
            try await engine.withTable(limits: limits) { database in
                try await database.holdingWriter { _ in
                    let outcomes = await withTaskGroup(of: (any Error)?.self) { group in
                        for _ in 1...2 {
                            group.addTask {
                                do {
                                    try await database.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
                                    return nil
                                } catch {
                                    return error
                                }
                            }
                        }
                        // One fits into the queue. The other is refused, which tells that the first waits by now.
                        var outcomes = [await group.next() ?? nil]
                        group.cancelAll()
                        outcomes.append(await group.next() ?? nil)
                        return outcomes
                    }
                    #expect((outcomes[0] as? Failure)?.code == .unavailable)
                    #expect(outcomes[1] is CancellationError)
                }
                try await expectCount(0, in: database)
            }
        },
        DatabaseContract("a transaction of a task that is cancelled already never begins") { engine in
            try await engine.withTable { database in
                await withTaskGroup(of: Void.self) { group in
                    group.cancelAll()
                    group.addTask {
                        await #expect(throws: CancellationError.self) {
                            try await database.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
                        }
                        await #expect(throws: CancellationError.self) {
                            try await database.read { try $0.row("SELECT 1") }
                        }
                    }
                }
                try await expectCount(0, in: database)
            }
        },
        DatabaseContract("a transaction whose task is cancelled while it runs is done or undone, as it says") {
            engine in
            try await engine.withTable { database in
                let (begun, told) = AsyncStream<Void>.makeStream()
                let gate = Gate()
                let inserted = try await withThrowingTaskGroup(of: Int.self) { group in
                    group.addTask {
                        defer { told.finish() }
                        do {
                            return try await database.write { connection in
                                told.yield()
                                gate.waitUntilOpen()
                                return try connection.run("INSERT INTO items (id) VALUES (1)")
                            }
                        } catch is CancellationError {
                            return 0
                        }
                    }
                    for await _ in begun.prefix(1) {}
                    group.cancelAll()
                    gate.open()
                    return try await group.next() ?? 0
                }
                try await expectCount(inserted, in: database)
            }
        },
    ]
}

// MARK: - Helpers

/// An error that no engine throws.
private struct Refusal: Error {}

extension Engine {
    /// Makes a database with an empty table `items`.
    fileprivate func withTable(
        limits: Limits = .unhurried,
        observer: TransactionObserver = .none,
        _ body: (any SQLDatabase) async throws -> Void
    ) async throws {
        try await withDatabase(limits: limits, observer: observer) { database in
            try await makeTable(in: database)
            try await body(database)
        }
    }
}

private func makeTable(in database: any SQLDatabase) async throws {
    try await database.write { connection in
        let dialect = connection.dialect
        try connection.run(
            """
            CREATE TABLE items (
                id \(raw: dialect.integerType) NOT NULL PRIMARY KEY,
                parent \(raw: dialect.integerType) REFERENCES items (id),
                name TEXT UNIQUE,
                value \(raw: dialect.integerType)
            )\(raw: dialect.tableSuffix)
            """
        )
    }
}

/// Checks how many rows the table `items` has.
private func expectCount(
    _ count: Int,
    in database: any SQLDatabase,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let row = try await database.read { try $0.row("SELECT COUNT(*) FROM items") }
    #expect(row?[0] == .integer(Int64(count)), sourceLocation: sourceLocation)
}

/// Checks that `body` throws a failure of that kind, and returns it.
@discardableResult
private func expectFailure(
    _ code: Failure.Code,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> some Sendable
) async -> Failure? {
    let failure = await #expect(throws: Failure.self, sourceLocation: sourceLocation) { _ = try await body() }
    #expect(failure?.code == code, sourceLocation: sourceLocation)
    return failure
}

/// Ids that wait to be written, and what is told when they are.
private struct Tally: PendingChange {
    let ids: [Int]
    let didWrite: @Sendable () -> Void

    func write(on connection: any SQLConnection) throws(Failure) {
        for id in ids { try connection.run("INSERT INTO items (id) VALUES (\(id))") }
        didWrite()
    }
}
