import Foundation
import Testing
import WitanCore
import WitanEngines
import WitanPostgres
import WitanStorage
import WitanTesting

@Suite("Writes beside each other on PostgreSQL", .enabled(if: PostgresInstance.isAvailable))
struct ConcurrencyTests {
    @Test("no change is lost though two pools read, add one and write at the same time")
    func lostUpdates() async throws {
        try await TestSchema.withDatabase { first, schema in
            try await withDatabase(schema.url) { second in
                try await first.write { try $0.run("INSERT INTO items (id, value) VALUES (1, 0)") }
                try await withThrowingTaskGroup { group in
                    for task in 0..<16 {
                        group.addTask {
                            for round in 0..<25 {
                                try await [first, second][(task + round) % 2]
                                    .write { connection in
                                        let value =
                                            try connection.row("SELECT value FROM items WHERE id = 1")?.integer(0) ?? 0
                                        try connection.run("UPDATE items SET value = \(Int(value) + 1) WHERE id = 1")
                                    }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let row = try await second.read { try $0.row("SELECT value FROM items WHERE id = 1") }
                #expect(row?[0] == 400)
            }
        }
    }

    /// What runs at the same time as a transaction that is held.
    struct Pair: Sendable, CustomTestStringConvertible {
        let held: WriteConcurrency
        let other: WriteConcurrency
        let runsBeside: Bool

        var testDescription: String { "\(other) beside \(held)" }
    }

    @Test(
        "a write runs beside those that it may run beside, on whichever pool, and waits for the others",
        arguments: [
            Pair(held: .alone, other: .alone, runsBeside: false),
            Pair(held: .alone, other: .concurrent, runsBeside: true),
            Pair(held: .concurrent, other: .alone, runsBeside: true),
            Pair(held: .concurrent, other: .concurrent, runsBeside: true),
            Pair(held: .alone, other: .transient, runsBeside: true),
            Pair(held: .concurrent, other: .transient, runsBeside: true),
            Pair(held: .transient, other: .alone, runsBeside: true),
        ]
    )
    func exclusion(pair: Pair) async throws {
        var limits = Limits()
        limits.databaseLockDuration = .seconds(2)
        limits.idleTransactionDuration = .seconds(20)
        try await TestSchema.withDatabase(limits: limits) { first, schema in
            try await withDatabase(schema.url, limits: limits) { second in
                try await holding(first, pair.held) {
                    if pair.runsBeside {
                        try await second.write(pair.other) { try $0.run("INSERT INTO items (id) VALUES (1)") }
                    } else {
                        await expectFailure(.unavailable, "holds a lock") {
                            try await second.write(pair.other) { try $0.run("INSERT INTO items (id) VALUES (1)") }
                        }
                    }
                }
                // Whoever waited in vain is none the worse for it.
                try await second.write(pair.other) { try $0.run("INSERT INTO items (id) VALUES (2)") }
                #expect(try await ids(in: first) == (pair.runsBeside ? [1, 2] : [2]))
            }
        }
    }

    @Test("many that wait for a lock in vain wait for it once, and not one after another")
    func waitsOnce() async throws {
        var limits = Limits()
        limits.databaseLockDuration = .milliseconds(300)
        limits.idleTransactionDuration = .seconds(20)
        try await TestSchema.withDatabase(limits: limits) { first, schema in
            try await withDatabase(schema.url, limits: limits) { second in
                try await holding(first, .alone) {
                    let time = await duration {
                        await withTaskGroup(of: Void.self) { group in
                            for id in 0..<100 {
                                group.addTask {
                                    await expectFailure(.unavailable, "holds a lock") {
                                        try await second.write { try $0.run("INSERT INTO items (id) VALUES (\(id))") }
                                    }
                                }
                            }
                        }
                    }
                    // One wait would do, and a hundred would be half a minute.
                    #expect(time < .seconds(10))
                }
            }
        }
    }

    @Test("different schemas of one database do not wait for each other")
    func schemas() async throws {
        try await TestSchema.withDatabase { first, _ in
            try await TestSchema.withDatabase { second, _ in
                try await holding(first, .alone) {
                    try await second.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
                }
            }
        }
    }

    @Test("whoever shares the tables of an installation shares its lock, whatever schema comes first for them")
    func searchPath() async throws {
        var limits = Limits()
        limits.databaseLockDuration = .milliseconds(200)
        limits.idleTransactionDuration = .seconds(20)
        try await TestSchema.with { other in
            try await TestSchema.withDatabase(limits: limits) { first, schema in
                try await first.write { try $0.run("CREATE TABLE schema_migrations (number BIGINT)") }
                let url = schema.url.replacing("search_path%3D", with: "search_path%3D\(try name(of: other)),")
                try await withDatabase(url, limits: limits) { second in
                    let row = try await second.read { try $0.row("SELECT CAST(current_schema() AS TEXT)") }
                    #expect(try row?.text(0) == name(of: other))
                    try await holding(first, .alone) {
                        await expectFailure(.unavailable, "holds a lock") {
                            try await second.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
                        }
                    }
                }
            }
        }
    }

    private func name(of schema: TestSchema) throws -> String {
        String(try #require(schema.url.firstMatch(of: #/search_path%3D(\w+)/#)).1)
    }

    @Test("of two that take the same natural key at once, the one that comes too late finds the other's row")
    func natural() async throws {
        try await TestSchema.withDatabase(limits: .unhurried) { first, schema in
            try await withDatabase(schema.url, limits: .unhurried) { second in
                let runs = Counter()
                let next = Counter()
                for round in 0..<60 {
                    let (steps, told) = AsyncStream<Void>.makeStream()
                    let gate = Gate()
                    @Sendable func take(_ task: Int) async throws -> Int64? {
                        defer { told.finish() }
                        return try await [first, second][task % 2]
                            .write(.concurrent) { connection in
                                runs.add()
                                let name = "round \(round)"
                                let query: SQLQuery = "SELECT id FROM items WHERE name = \(name)"
                                if let row = try connection.row(query) { return try row.integer(0) }
                                if task > 0 { told.yield() }
                                let id = next.add()
                                try connection.run("INSERT INTO items (id, name) VALUES (\(id), \(name))")
                                if task == 0 {
                                    told.yield()
                                    gate.waitUntilOpen()
                                }
                                return try connection.row(query)?.integer(0)
                            }
                    }
                    let found = try await withThrowingTaskGroup(of: Int64?.self) { group in
                        defer { gate.open() }
                        var taken = steps.makeAsyncIterator()
                        // One has the key and does not commit until another has looked for it in vain.
                        group.addTask { try await take(0) }
                        _ = await taken.next()
                        for task in 1..<8 { group.addTask { try await take(task) } }
                        _ = await taken.next()
                        gate.open()
                        return try await group.reduce(into: [Int64?]()) { $0.append($1) }
                    }
                    #expect(Set(found).count == 1 && found[0] != nil)
                }
                #expect(try await ids(in: first).count == 60)
                #expect(runs.value >= 60 * 9, "in each round one comes too late")
            }
        }
    }

    @Test("a unique value that stays taken is a conflict after one more run", arguments: WriteConcurrency.allCases)
    func conflict(concurrency: WriteConcurrency) async throws {
        try await TestSchema.withDatabase { database, _ in
            try await database.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
            let runs = Counter()
            await expectFailure(.conflict) {
                try await database.write(concurrency) { connection in
                    runs.add()
                    try connection.run("INSERT INTO items (id) VALUES (1)")
                }
            }
            #expect(runs.value == (concurrency == .concurrent ? 2 : 1))
        }
    }

    @Test("those who lock rows in opposite orders all succeed", arguments: [WriteConcurrency.concurrent, .transient])
    func deadlocks(concurrency: WriteConcurrency) async throws {
        try await TestSchema.with { schema in
            // The sooner the server looks for deadlocks, the sooner the test is over.
            let url = schema.url.replacing("options=", with: "options=-cdeadlock_timeout%3D10%20")
            try await withDatabase(url) { first in
                try await withDatabase(url) { second in
                    try await makeItems(in: first)
                    try await first.write { try $0.run("INSERT INTO items (id) VALUES (1), (2)") }
                    let runs = Counter()
                    for _ in 0..<20 {
                        let gates = [Gate(), Gate()]
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            for task in 0..<2 {
                                group.addTask {
                                    try await [first, second][task]
                                        .write(concurrency) { connection in
                                            runs.add()
                                            try connection.run(
                                                "UPDATE items SET value = value + 1 WHERE id = \(task + 1)"
                                            )
                                            // Each has its first row before it asks for the other's.
                                            gates[task].open()
                                            gates[1 - task].waitUntilOpen()
                                            try connection.run(
                                                "UPDATE items SET value = value + 1 WHERE id = \(2 - task)"
                                            )
                                        }
                                }
                            }
                            try await group.waitForAll()
                        }
                    }
                    let rows = try await first.read { try $0.rows("SELECT value FROM items") }
                    #expect(rows.map(\.values) == [[40], [40]])
                    #expect(runs.value >= 60, "each round has a deadlock")
                }
            }
        }
    }

    @Test("what the server undoes for the sake of others is run again a bounded number of times, from its beginning")
    func serialization() async throws {
        try await TestSchema.withDatabase { database, _ in
            try await database.write { connection in
                try connection.run(
                    """
                    CREATE FUNCTION fail(state TEXT) RETURNS BIGINT LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = state; END $$
                    """
                )
            }
            for state in ["40001", "40P01"] {
                for (failures, succeeds) in [(1, true), (3, true), (4, false)] {
                    for isWrite in [true, false] {
                        let runs = Counter()
                        let body: @Sendable (any SQLConnection) throws -> Int = { connection in
                            let run = runs.add()
                            if isWrite { try connection.run("INSERT INTO items (id) VALUES (\(run))") }
                            if run <= failures { _ = try connection.row("SELECT fail(\(state))") }
                            return run
                        }
                        let transaction: @Sendable () async throws -> Int = {
                            isWrite ? try await database.write(body) : try await database.read(body)
                        }
                        if succeeds {
                            #expect(try await transaction() == failures + 1)
                        } else {
                            await expectFailure(.unavailable, "try again") { try await transaction() }
                        }
                        #expect(runs.value == min(failures + 1, 4))
                        let expected = isWrite && succeeds ? [failures + 1] : []
                        #expect(try await ids(in: database) == expected)
                        try await database.write { try $0.run("DELETE FROM items") }
                    }
                }
            }
        }
    }

    @Test("a read sees what was answered before it, though another pool wrote it")
    func readYourWrites() async throws {
        try await TestSchema.withDatabase { first, schema in
            try await withDatabase(schema.url) { second in
                try await first.write { try $0.run("INSERT INTO items (id, value) VALUES (1, 0)") }
                for (value, kind) in (1...100).map({ ($0, WriteConcurrency.allCases[$0 % 3]) }) {
                    try await first.write(kind) { try $0.run("UPDATE items SET value = \(value) WHERE id = 1") }
                    let row = try await second.read { try $0.row("SELECT value FROM items WHERE id = 1") }
                    #expect(row?[0] == .integer(Int64(value)))
                }
            }
        }
    }
}

/// Runs `body` while a write of that kind has begun.
@discardableResult
func holding<Result: Sendable>(
    _ database: PostgresDatabase,
    _ concurrency: WriteConcurrency,
    _ body: () async throws -> Result
) async throws -> Result {
    let (begun, told) = AsyncStream<Void>.makeStream()
    let gate = Gate()
    return try await withThrowingTaskGroup { group in
        group.addTask {
            defer { told.finish() }
            try await database.write(concurrency) { connection in
                _ = try connection.row("SELECT 1")
                told.yield()
                gate.waitUntilOpen()
            }
        }
        for await _ in begun.prefix(1) {}
        defer { gate.open() }
        let result = try await body()
        gate.open()
        try await group.waitForAll()
        return result
    }
}
