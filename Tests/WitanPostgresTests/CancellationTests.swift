import Synchronization
import Testing
import WitanCore
import WitanPostgres
import WitanStorage
import WitanTesting

@Suite("Cancellation on PostgreSQL", .enabled(if: PostgresInstance.isAvailable))
struct CancellationTests {
    /// Runs `body` in a task that is cancelled once `isDue`, and returns its error.
    private func cancelling(
        _ body: @escaping @Sendable () async throws -> Void,
        when isDue: () async throws -> Void
    ) async throws -> (any Error)? {
        try await withThrowingTaskGroup(of: (any Error)?.self) { group in
            group.addTask {
                do {
                    try await body()
                    return nil
                } catch {
                    return error
                }
            }
            try await isDue()
            group.cancelAll()
            return try await group.next() ?? nil
        }
    }

    @Test("a statement whose task is cancelled ends on the server, at once", arguments: [0, 1, 2, 3])
    func reachesServer(kind: Int) async throws {
        try await TestSchema.withDatabase { database, schema in
            let sleep: @Sendable (any SQLConnection) throws -> Void = { connection in
                _ = try connection.row("SELECT pg_sleep(60) IS NULL")
            }
            let error = try await cancelling {
                switch kind {
                case 0: try await database.read(sleep)
                default: try await database.write(WriteConcurrency.allCases[kind - 1], sleep)
                }
            } when: {
                try await eventually("the statement's begin") { try await sleeping(schema) == 1 }
            }
            #expect(error is CancellationError)
            #expect(try await sleeping(schema) == 0)
            // Nothing is left of it, and the connection goes on.
            try await database.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
            #expect(try await ids(in: database) == [1])
        }
    }

    private func sleeping(_ schema: TestSchema) async throws -> Int {
        try await schema.activity("pid", where: "state = 'active' AND query LIKE '%pg_sleep%'").count
    }

    @Test("those who share a transaction with one that is cancelled succeed, and it does not run again")
    func others() async throws {
        var limits = Limits()
        limits.idleTransactionDuration = .seconds(60)
        try await TestSchema.withDatabase(limits: limits) { database, schema in
            let runs = Counter()
            let errors = try await withThrowingTaskGroup(of: (Int, (any Error)?).self) { group in
                try await database.holdingWriter { gate in
                    for id in 0..<20 {
                        group.addTask {
                            do {
                                try await database.write { try $0.run("INSERT INTO items (id) VALUES (\(id))") }
                                return (id, nil)
                            } catch {
                                return (id, error)
                            }
                        }
                    }
                    let cancelled = try await cancelling {
                        try await database.write { connection in
                            runs.add()
                            try connection.run("INSERT INTO items (id) VALUES (-1)")
                            _ = try connection.row("SELECT pg_sleep(60) IS NULL")
                        }
                    } when: {
                        gate.open()
                        try await eventually("the statement's begin") { try await sleeping(schema) == 1 }
                    }
                    #expect(cancelled is CancellationError)
                }
                return try await group.reduce(into: [Int: (any Error)?]()) { $0.updateValue($1.1, forKey: $1.0) }
            }
            #expect(errors.values.allSatisfy { $0 == nil })
            #expect(try await ids(in: database) == Array(0..<20))
            #expect(runs.value == 1)
        }
    }

    @Test("one that a worker has taken and not yet begun never begins when its task is cancelled")
    func taken() async throws {
        var limits = Limits()
        limits.idleTransactionDuration = .seconds(60)
        // There is one connection that reads.
        try await TestSchema.withDatabase(connections: 4, limits: limits) { database, _ in
            let (begun, told) = AsyncStream<Void>.makeStream()
            let gate = Gate()
            let runs = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await database.holdingReader { firstGate in
                    // One fits beside the other in what a worker takes at a time.
                    group.addTask {
                        try await database.read { connection in
                            _ = try connection.row("SELECT 1")
                            told.yield()
                            gate.waitUntilOpen()
                        }
                    }
                    try await withThrowingTaskGroup(of: Void.self) { others in
                        for _ in 1...5 {
                            others.addTask {
                                await #expect(throws: CancellationError.self) {
                                    try await database.read { _ in runs.add() }
                                }
                            }
                        }
                        for _ in 1...1_000 { await Task.yield() }
                        firstGate.open()
                        for await _ in begun.prefix(1) {}
                        others.cancelAll()
                        gate.open()
                        try await others.waitForAll()
                    }
                }
                try await group.waitForAll()
            }
            #expect(runs.value == 0)
        }
    }

    @Test(
        "whenever a cancellation comes, nobody else notices, and what was answered is there",
        arguments: Seeds.few.suffix(2)
    )
    func late(seed: UInt64) async throws {
        try await TestSchema.withDatabase(connections: 4) { database, schema in
            var random = RandomSource.seeded(seed)
            var expected: Set<Int> = []
            var possible: Set<Int> = []
            for round in 0..<40 {
                let delays = (0..<12).map { _ in Int.random(in: 0...400, using: &random) }
                let answers = try await withThrowingTaskGroup(of: (Int, (any Error)?, Bool).self) { group in
                    for (index, delay) in delays.enumerated() {
                        let id = round * 100 + index
                        let isCancelled = index % 2 == 0
                        group.addTask {
                            do {
                                if isCancelled {
                                    let error = try await self.cancelling {
                                        try await self.change(id, in: database)
                                    } when: {
                                        for _ in 0..<delay { await Task.yield() }
                                    }
                                    return (id, error, true)
                                }
                                try await self.change(id, in: database)
                                return (id, nil, false)
                            } catch {
                                return (id, error, isCancelled)
                            }
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                for (id, error, isCancelled) in answers {
                    switch error {
                    case nil: expected.insert(id)
                    case is CancellationError where isCancelled: possible.insert(id)
                    default: Issue.record("seed \(seed): \(String(describing: error))")
                    }
                }
            }
            let found = Set(try await ids(in: database))
            #expect(found.isSuperset(of: expected), "seed \(seed)")
            #expect(expected.union(possible).isSuperset(of: found), "seed \(seed)")
            // Half of them, at least, were not cancelled.
            #expect(expected.count >= 240)
        }
    }

    private func change(_ id: Int, in database: PostgresDatabase) async throws {
        try await database.write(id % 3 == 0 ? .concurrent : .alone) { connection in
            try connection.run("INSERT INTO items (id) VALUES (\(id))")
            _ = try connection.row("SELECT pg_sleep(0.001) IS NULL")
        }
        let row = try await database.read { connection in
            try connection.row("SELECT id, pg_sleep(0.001) IS NULL FROM items WHERE id = \(id)")
        }
        #expect(row?[0] == .integer(Int64(id)))
    }
}
