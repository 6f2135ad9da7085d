import Testing
import WitanCore
import WitanPostgres
import WitanStorage
import WitanTesting

@Suite("The connections to PostgreSQL", .enabled(if: PostgresInstance.isAvailable))
struct PoolTests {
    @Test("there are never more than configured, whatever is asked at once", arguments: [4, 8, 16])
    func bounded(connections: Int) async throws {
        try await TestSchema.withDatabase(connections: connections, limits: .unhurried) { database, schema in
            let done = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<300 {
                    group.addTask {
                        let sleep: @Sendable (any SQLConnection) throws -> Void = { connection in
                            repeat { _ = try connection.row("SELECT pg_sleep(0.01) IS NULL") } while done.value == 0
                        }
                        switch index % 10 {
                        case 0: try await database.write(sleep)
                        case 1...2: try await database.write(.concurrent, sleep)
                        case 3: try await database.write(.transient, sleep)
                        default: try await database.read(sleep)
                        }
                    }
                }
                defer { done.add() }
                // A slow one does not keep the others waiting while there are connections.
                try await eventually("the use of most connections") {
                    let count = try await schema.activity("pid").count
                    #expect(count <= connections)
                    return count > connections / 2
                }
                for _ in 1...8 { #expect(try await schema.activity("pid").count <= connections) }
                done.add()
                try await group.waitForAll()
            }
            #expect(try await schema.activity("pid").count <= connections)
        }
    }

    @Test("transactions begin on further connections while slow ones have the others")
    func relief() async throws {
        var limits = Limits()
        limits.idleTransactionDuration = .seconds(60)
        // Four of these read.
        try await TestSchema.withDatabase(connections: 8, limits: limits) { database, _ in
            try await database.holdingReader { _ in
                try await database.holdingReader { _ in
                    try await database.holdingReader { _ in
                        for _ in 1...50 { try await database.ping() }
                        try await database.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
                    }
                }
            }
            try await holding(database, .concurrent) {
                for id in 2...20 {
                    try await database.write(.concurrent) { try $0.run("INSERT INTO items (id) VALUES (\(id))") }
                }
            }
            #expect(try await ids(in: database) == Array(1...20))
        }
    }

    @Test("so many may wait and no more, and nobody waits for longer than a request may")
    func waiting() async throws {
        var limits = Limits.unhurried
        limits.queuedTransactions = 3
        limits.transactionWaitDuration = .seconds(10)
        let clock = FakeClock()
        // One of these reads.
        try await TestSchema.withDatabase(connections: 4, limits: limits, time: clock.source) { database, _ in
            let failures = try await withThrowingTaskGroup(of: Failure?.self) { group in
                try await database.holdingReader { gate in
                    for _ in 0..<4 {
                        group.addTask {
                            do {
                                try await database.ping()
                                return nil
                            } catch {
                                return error as? Failure
                            }
                        }
                    }
                    // The first to be answered is the one that did not fit.
                    let refused = try await group.next() ?? nil
                    #expect(refused?.message.contains("Too many") == true)
                    clock.advance(by: .seconds(11))
                    gate.open()
                }
                return try await group.reduce(into: [Failure?]()) { $0.append($1) }
            }
            #expect(failures.count == 3)
            for failure in failures {
                #expect(failure?.code == .unavailable && failure?.retryAfter != nil)
                #expect(failure?.message.contains("took too long") == true)
            }
            try await database.ping()
        }
    }

    @Test("a connection that has become old is replaced, and a young one is not")
    func age() async throws {
        var limits = Limits()
        let process: SQLQuery = "SELECT pg_backend_pid()"
        for (age, differ) in [(Duration.zero, true), (.seconds(1_800), false)] {
            limits.databaseConnectionDuration = age
            try await TestSchema.withDatabase(connections: 4, limits: limits) { database, schema in
                var processes: Set<SQLRow> = []
                for _ in 1...5 {
                    if let row = try await database.read({ try $0.row(process) }) { processes.insert(row) }
                }
                #expect(processes.count == (differ ? 5 : 1))
                try await eventually("the end of the old ones") { try await schema.activity("pid").count <= 4 }
            }
        }
    }

    @Test("no thread of Swift's own waits for the database, however slow everything is", .timeLimit(.minutes(5)))
    func cooperativePool() async throws {
        try await TestSchema.withDatabase(connections: 16, limits: .unhurried) { database, _ in
            let begun = Counter()
            let done = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Far more than there are processors, and more than there are connections.
                for index in 0..<64 {
                    group.addTask {
                        let sleep: @Sendable (any SQLConnection) throws -> Void = { connection in
                            begun.add()
                            repeat { _ = try connection.row("SELECT pg_sleep(0.01) IS NULL") } while done.value == 0
                        }
                        if index % 4 == 0 {
                            try await database.write(.concurrent, sleep)
                        } else {
                            try await database.read(sleep)
                        }
                    }
                }
                defer { done.add() }
                try await eventually("the use of many connections") { begun.value >= 8 }
                // Of these none would come about on a thread that waits.
                await withTaskGroup(of: Void.self) { turns in
                    for _ in 0..<100 { turns.addTask { for _ in 0..<10 { await Task.yield() } } }
                }
                done.add()
                try await group.waitForAll()
            }
        }
    }

    @Test("closing refuses what waits and what comes, lets what runs end, and leaves no connection, however often")
    func close() async throws {
        var limits = Limits()
        limits.idleTransactionDuration = .seconds(60)
        try await TestSchema.withDatabase(limits: limits) { _, schema in
            let database = PostgresDatabase(
                .init(primary: try PostgresAddress(url: schema.url.replacing(schema.application, with: "closing"))),
                limits: limits,
                time: .system
            )
            let kept = try await withThrowingTaskGroup(of: (any Error)?.self) { group in
                try await database.holdingReader { readerGate in
                    let (begun, told) = AsyncStream<Void>.makeStream()
                    let gate = Gate()
                    group.addTask {
                        do {
                            try await database.write { connection in
                                told.yield()
                                gate.waitUntilOpen()
                                try connection.run("INSERT INTO items (id) VALUES (1)")
                            }
                            return nil
                        } catch {
                            return error
                        }
                    }
                    for await _ in begun.prefix(1) {}
                    group.addTask {
                        // It waits behind the one that runs.
                        let failure = await expectFailureOfClosed {
                            try await database.write { try $0.run("INSERT INTO items (id) VALUES (2)") }
                        }
                        gate.open()
                        readerGate.open()
                        return failure == nil ? Refusal() : nil
                    }
                    for _ in 1...3 {
                        group.addTask {
                            await database.close()
                            return nil
                        }
                    }
                    var errors: [(any Error)?] = []
                    for try await error in group { errors.append(error) }
                    return errors
                }
            }
            #expect(kept.allSatisfy { $0 == nil })
            await database.close()
            for kind in WriteConcurrency.allCases {
                await expectFailureOfClosed { try await database.write(kind) { _ = try $0.row("SELECT 1") } }
            }
            await expectFailureOfClosed { try await database.ping() }
            await expectFailureOfClosed { try await database.readStale { _ = try $0.row("SELECT 1") } }
            try await withDatabase(schema.url) { other in
                let kept = try await ids(in: other)
                #expect(kept == [1])
            }
            try await eventually("the end of the connections") {
                try await PostgresInstance.execute(
                    ["SELECT pid FROM pg_stat_activity WHERE application_name = 'closing'"],
                    on: schema.url
                )
                .isEmpty
            }
        }
    }

    @discardableResult
    private func expectFailureOfClosed(_ body: () async throws -> some Sendable) async -> Failure? {
        let failure = await #expect(throws: Failure.self) { _ = try await body() }
        #expect(failure?.code == .unavailable && failure?.message.contains("closed") == true)
        return failure
    }
}
