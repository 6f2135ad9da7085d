import Foundation
import Synchronization
import Testing
import WitanCore
import WitanEngines
import WitanPostgres
import WitanStorage
import WitanTesting

@Suite("Time limits on PostgreSQL", .enabled(if: PostgresInstance.isAvailable))
struct TimeoutTests {
    @Test("a statement that runs too long is ended, not run again, and costs its group nothing else")
    func statement() async throws {
        var limits = Limits()
        limits.queuedTransactions = 6
        limits.statementDuration = .seconds(2)
        try await TestSchema.withDatabase(limits: limits) { database, schema in
            let runs = Counter()
            await expectFailure(.unavailable, "too long") {
                try await database.read { connection in
                    runs.add()
                    return try connection.row("SELECT pg_sleep(60) IS NULL")
                }
            }
            #expect(runs.value == 1)
            // In the middle of the group: others have run before, which are undone with it and run again.
            let places = Mutex<[Int]>([])
            let runsInGroup = Counter()
            let answers = try await database.writeTogether(6) { connection, index in
                try connection.run("INSERT INTO items (id) VALUES (\(index))")
                let place = places.withLock { places in
                    if !places.contains(index) { places.append(index) }
                    return places.firstIndex(of: index)
                }
                guard place == 3 else { return }
                runsInGroup.add()
                _ = try connection.row("SELECT pg_sleep(60) IS NULL")
            }
            #expect(runsInGroup.value == 1)
            let late = places.withLock { $0[3] }
            for (index, error) in answers.errors where index != late { #expect(error == nil) }
            let failure = answers.errors[late] as? Failure
            #expect(failure?.message.contains("too long") == true)
            #expect(try await ids(in: database) == answers.errors.keys.filter { $0 != late }.sorted())
            #expect(try await schema.activity("pid", where: "query LIKE '%pg_sleep%' AND state = 'active'") == [])
        }
    }

    @Test("a row that another holds is waited for as long as the limit says, and the connection goes on")
    func rowLock() async throws {
        var limits = Limits()
        limits.databaseLockDuration = .milliseconds(200)
        limits.idleTransactionDuration = .seconds(20)
        try await TestSchema.withDatabase(limits: limits) { first, schema in
            try await first.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
            try await withDatabase("\(schema.url)x", limits: limits) { second in
                let (begun, told) = AsyncStream<Void>.makeStream()
                let gate = Gate()
                try await withThrowingTaskGroup { group in
                    group.addTask {
                        try await first.write(.concurrent) { connection in
                            try connection.run("UPDATE items SET value = 1 WHERE id = 1")
                            told.yield()
                            gate.waitUntilOpen()
                        }
                    }
                    for await _ in begun.prefix(1) {}
                    let process: SQLQuery = "SELECT pg_backend_pid()"
                    let before = try await second.write(.transient) { try $0.row(process) }
                    await expectFailure(.unavailable, "holds a lock") {
                        try await second.write(.transient) { try $0.run("UPDATE items SET value = 2 WHERE id = 1") }
                    }
                    #expect(try await second.write(.transient) { try $0.row(process) } == before)
                    gate.open()
                    try await group.waitForAll()
                    try await second.write(.transient) { try $0.run("UPDATE items SET value = 2 WHERE id = 1") }
                }
            }
        }
    }

    @Test("a transaction in which nothing happens for too long is undone by the server, and run again")
    func idle() async throws {
        var limits = Limits()
        limits.idleTransactionDuration = .seconds(2)
        try await TestSchema.withDatabase(limits: limits) { database, _ in
            for isAlways in [false, true] {
                let runs = Counter()
                let body: @Sendable (any SQLConnection) throws -> Void = { connection in
                    try connection.run("INSERT INTO items (id) VALUES (1)")
                    let isFirst = runs.add() == 1
                    // Longer than the limit, on the database's own thread.
                    if isFirst || isAlways { poll(nil, 0, 6_000) }
                    try connection.run("UPDATE items SET value = 7 WHERE id = 1")
                }
                if isAlways {
                    await expectFailure(.unavailable) { try await database.write(body) }
                    #expect(runs.value == 4)
                    #expect(try await ids(in: database) == [])
                } else {
                    try await database.write(body)
                    #expect(runs.value == 2)
                    #expect(try await ids(in: database) == [1])
                    try await database.write { try $0.run("DELETE FROM items") }
                }
            }
        }
    }

    @Test("a server process that says nothing at all is given up after the statement's time, and another one used")
    func frozenProcess() async throws {
        var limits = Limits()
        limits.statementDuration = .milliseconds(200)
        try await TestSchema.withDatabase(connections: 4, limits: limits) { database, _ in
            let process = Mutex<pid_t>(0)
            defer { kill(process.withLock { $0 }, SIGCONT) }
            let runs = Counter()
            let time = try await duration {
                await expectFailure(.unavailable, "away") {
                    try await database.read { connection in
                        runs.add()
                        let id = try connection.row("SELECT pg_backend_pid()")?.integer(0) ?? 0
                        process.withLock { $0 = pid_t(id) }
                        #expect(kill(pid_t(id), SIGSTOP) == 0)
                        return try connection.row("SELECT 1")
                    }
                }
                // The next one has a process of its own, and does not wait for the one that is frozen.
                let row = try await database.read { try $0.row("SELECT pg_backend_pid()") }
                #expect(row?[0] != .integer(Int64(process.withLock { $0 })))
            }
            #expect(runs.value == 1)
            #expect(time < .seconds(60))
        }
    }

    @Test("a connection that fell silent while it was idle is replaced before a transaction fails")
    func silentWhileIdle() async throws {
        var limits = Limits()
        limits.databaseConnectDuration = .milliseconds(500)
        limits.databaseLockDuration = .milliseconds(500)
        try await TestSchema.with { schema in
            let folder = try #require(schema.url.firstMatch(of: #/host=([^&]+)/#)?.1)
            try await Proxy.with(before: String(folder)) { proxy in
                let url = schema.url.replacing(folder, with: proxy.folder)
                try await withDatabase(url, limits: limits) { database in
                    try await makeItems(in: database)
                    for kind in WriteConcurrency.allCases {
                        try await database.write(kind) { _ = try $0.row("SELECT 1") }
                    }
                    proxy.silencePresent()
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for (index, kind) in WriteConcurrency.allCases.enumerated() {
                            group.addTask {
                                _ = try await database.write(kind) {
                                    try $0.run("INSERT INTO items (id) VALUES (\(index))")
                                }
                            }
                        }
                        group.addTask { try await database.ping() }
                        try await group.waitForAll()
                    }
                    #expect(try await ids(in: database) == [0, 1, 2])
                }
            }
        }
    }

    @Test(
        "a network that swallows everything is told of within the time for connecting, then at once, and its end noticed"
    )
    func silentNetwork() async throws {
        var limits = Limits()
        limits.databaseConnectDuration = .milliseconds(500)
        limits.databaseLockDuration = .milliseconds(500)
        limits.statementDuration = .milliseconds(500)
        try await TestSchema.with { schema in
            let folder = try #require(schema.url.firstMatch(of: #/host=([^&]+)/#)?.1)
            try await Proxy.with(before: String(folder)) { proxy in
                let url = schema.url.replacing(folder, with: proxy.folder)
                try await withDatabase(url, limits: limits) { database in
                    try await makeItems(in: database)
                    proxy.set(.silent)
                    let first = await duration { await expectFailure { try await database.ping() } }
                    #expect(first < .seconds(60))
                    let before = proxy.connections
                    for _ in 1...50 {
                        await expectFailure { try await database.ping() }
                        await expectFailure {
                            try await database.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
                        }
                    }
                    #expect(proxy.connections - before <= 50)
                    proxy.set(.open)
                    try await eventually("recovery") {
                        do {
                            try await database.ping()
                            return true
                        } catch {
                            return false
                        }
                    }
                    #expect(try await ids(in: database) == [])
                }
            }
        }
    }
}
