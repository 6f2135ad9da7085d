import Dispatch
import Synchronization
import Testing
import WitanCore
import WitanPostgres
import WitanStorage
import WitanTesting

@Suite("Transactions that share a commit on PostgreSQL", .enabled(if: PostgresInstance.isAvailable))
struct GroupTests {
    /// How a member of a group fails.
    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var code: Failure.Code?
        let cause: @Sendable (any SQLConnection, _ index: Int) throws -> Void
    }

    private static let faults = [
        Fault(testDescription: "an error of its own", code: nil) { _, _ in throw Refusal() },
        Fault(testDescription: "a mistake in a statement", code: .bug) { connection, _ in
            try connection.run("INSERT INTO nowhere VALUES (1)")
        },
        Fault(testDescription: "a unique value that is taken", code: .conflict) { connection, index in
            try connection.run("INSERT INTO items (id) VALUES (\(index))")
        },
        Fault(testDescription: "an error of a statement's that it does not heed", code: .bug) { connection, _ in
            // It goes on as if nothing had failed, which is what the fault is.
            _ = try? connection.run("INSERT INTO nowhere VALUES (1)")
        },
        Fault(testDescription: "a rule that is checked at the commit", code: .invalidRequest) { connection, index in
            try connection.run("UPDATE items SET later = 999 WHERE id = \(index)")
        },
        Fault(testDescription: "a change that began with WITH", code: nil) { connection, index in
            _ = try connection.row(
                "WITH changed AS (UPDATE items SET value = 7 WHERE id < 0 RETURNING id) SELECT \(index), COUNT(*) FROM changed"
            )
            throw Refusal()
        },
        Fault(testDescription: "a pending change that cannot be written", code: .invalidRequest) { connection, _ in
            connection.setPendingChange("fault", FaultyChange(isHeeded: true))
        },
        Fault(testDescription: "a pending change whose error nobody heeds", code: .bug) { connection, _ in
            connection.setPendingChange("fault", FaultyChange(isHeeded: false))
        },
    ]

    @Test("a member that fails is undone alone, wherever in the group it is", arguments: faults)
    func isolation(fault: Fault) async throws {
        for failing in [[0], [1], [5], [0, 1], [0, 2, 4], [4, 5], [0, 1, 2, 3, 4, 5], [3]] {
            var limits = Limits()
            limits.queuedTransactions = 6
            try await TestSchema.withDatabase(limits: limits) { database, _ in
                try await database.write { try $0.run("INSERT INTO items (id, value) VALUES (-1, 0)") }
                let places = Mutex<[Int: Int]>([:])
                let answers = try await database.writeTogether(6) { connection, index in
                    try connection.run("INSERT INTO items (id) VALUES (\(index))")
                    // A transaction keeps its place when it is run again.
                    let place = places.withLock { places in
                        let place = places[index] ?? places.count
                        places[index] = place
                        return place
                    }
                    if failing.contains(place) { try fault.cause(connection, index) }
                }
                let failed = answers.errors.filter { $0.value != nil }
                #expect(failed.count == failing.count, "\(failing)")
                for (_, error) in failed {
                    if let code = fault.code {
                        #expect((error as? Failure)?.code == code, "\(failing): \(String(describing: error))")
                    } else {
                        #expect(error is Refusal, "\(failing)")
                    }
                }
                let kept = answers.errors.filter { $0.value == nil }.keys.sorted()
                #expect(try await ids(in: database) == [-1] + kept, "\(failing)")
                let row = try await database.read { try $0.row("SELECT value FROM items WHERE id = -1") }
                #expect(row?[0] == 0)
            }
        }
    }

    @Test("one that fails again and again costs the others of its group one more run, and not a commit each")
    func fewRuns() async throws {
        let runs = Counter()
        var limits = Limits()
        limits.queuedTransactions = 100
        try await TestSchema.withDatabase(limits: limits) { database, schema in
            let answers = try await database.writeTogether(100) { connection, index in
                runs.add()
                try connection.run("INSERT INTO items (id) VALUES (\(index))")
                let count = try connection.row("SELECT COUNT(*) FROM items")?.integer(0) ?? 0
                if count == 90 { throw Refusal() }
            }
            let kept = answers.errors.filter { $0.value == nil }.count
            #expect(try await ids(in: database).count == kept)
            // The group, its members again, and each that failed once more.
            #expect(runs.value < 100 + 100 + 30)
            let row = try await database.read { try $0.row("SELECT COUNT(DISTINCT CAST(xmin AS TEXT)) FROM items") }
            #expect(try row?.integer(0) ?? 100 < 30)
        }
    }

    @Test("a pending change is written once for all, and again for each when the group is undone")
    func pendingChange() async throws {
        let writes = Mutex<[[Int]]>([])
        var limits = Limits()
        limits.queuedTransactions = 8
        try await TestSchema.withDatabase(limits: limits) { database, _ in
            let answers = try await database.writeTogether(8) { connection, index in
                try connection.run("INSERT INTO items (id) VALUES (\(index))")
                let before = (connection.pendingChange("note") as? Note)?.ids ?? []
                connection.setPendingChange(
                    "note",
                    Note(ids: before + [index]) { ids in writes.withLock { $0.append(ids) } }
                )
                if index == 3 { throw Refusal() }
            }
            let kept = answers.errors.filter { $0.value == nil }.keys.sorted()
            #expect(try await ids(in: database) == kept)
            let noted = try await database.read { try $0.rows("SELECT id FROM items WHERE value = 1 ORDER BY id") }
            #expect(noted.map { $0[0] } == kept.map { .integer(Int64($0)) })
            #expect(writes.withLock { $0 }.flatMap { $0 }.sorted() == kept)
        }
    }

    @Test("callers of a group are answered in the order in which they came, and only after the commit")
    func order() async throws {
        let run = Mutex<[Int]>([])
        let answered = Mutex<[Int]>([])
        // Callers go on in the order in which they are told.
        let callers = OneAfterAnother()
        try await TestSchema.withDatabase { database, schema in
            try await withDatabase(schema.url) { other in
                let call: @Sendable (Int) async throws -> Void = { index in
                    try await database.write { connection in
                        try connection.run("INSERT INTO items (id) VALUES (\(index))")
                        run.withLock { $0.append(index) }
                    }
                    answered.withLock { $0.append(index) }
                    // Whoever was answered is seen by everybody.
                    #expect(try await ids(in: other).contains(index))
                }
                try await database.holdingWriter { gate in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for index in 0..<50 {
                            group.addTask(executorPreference: callers) { try await call(index) }
                        }
                        // Its turn comes when all of them wait.
                        group.addTask(executorPreference: callers) { gate.open() }
                        try await group.waitForAll()
                    }
                }
            }
        }
        #expect(answered.withLock { $0 } == run.withLock { $0 })
        #expect(run.withLock { $0 } == Array(0..<50))
    }

    @Test("a transaction that ends itself is told of, and not taken for committed")
    func endsItself() async throws {
        try await TestSchema.withDatabase { database, _ in
            for end in ["ROLLBACK", "ABORT"] {
                await expectFailure(.bug) {
                    try await database.write { connection in
                        try connection.run("INSERT INTO items (id) VALUES (1)")
                        try connection.run("\(raw: end)")
                    }
                }
                #expect(try await ids(in: database) == [])
            }
            try await database.write { try $0.run("INSERT INTO items (id) VALUES (1)") }
        }
    }

    @Test("random transactions on two pools leave what a model of them says", arguments: Seeds.few.suffix(1) + [7])
    func model(seed: UInt64) async throws {
        var limits = Limits()
        limits.transactionsPerGroup = 32
        let tasks = 25
        let rounds = 200
        let keys = 12
        try await TestSchema.withDatabase(limits: limits) { first, schema in
            try await withDatabase(schema.url, limits: limits) { second in
                try await first.write { connection in
                    for task in 0..<tasks {
                        for key in 0..<keys {
                            try connection.run("INSERT INTO items (id, value) VALUES (\(task * 1_000 + key), 0)")
                        }
                    }
                    try connection.run("INSERT INTO items (id, value) VALUES (-1, 0)")
                }
                // Each task has keys of its own, whose model it knows; one counter is everybody's.
                let added = try await withThrowingTaskGroup(of: (Int, [Int: Int], Int).self) { group in
                    for task in 0..<tasks {
                        group.addTask {
                            var random = RandomSource.seeded(seed &+ UInt64(task))
                            var model = Dictionary(uniqueKeysWithValues: (0..<keys).map { (task * 1_000 + $0, 0) })
                            var added = 0
                            for _ in 0..<rounds {
                                let database = Bool.random(using: &random) ? first : second
                                let step = Step(task, keys, using: &random)
                                let before = model
                                do {
                                    let seen = try await database.write(step.concurrency) { try step.run(on: $0) }
                                    #expect(seen == before, "seed \(seed)")
                                    step.apply(to: &model)
                                    added += step.addition
                                    #expect(!step.fails, "seed \(seed)")
                                } catch is Refusal {
                                    #expect(step.fails, "seed \(seed)")
                                } catch let failure as Failure where step.fails {
                                    #expect([.conflict, .bug, .invalidRequest].contains(failure.code), "\(failure)")
                                }
                            }
                            return (task, model, added)
                        }
                    }
                    var total = 0
                    for try await (task, model, added) in group {
                        total += added
                        let rows = try await second.read { connection in
                            try connection.rows(
                                "SELECT id, value FROM items WHERE id BETWEEN \(task * 1_000) AND \(task * 1_000 + 999)"
                            )
                        }
                        let found = try Dictionary(
                            uniqueKeysWithValues: rows.map { (Int(try $0.integer(0)), Int(try $0.integer(1))) }
                        )
                        #expect(found == model, "seed \(seed)")
                    }
                    return total
                }
                let row = try await first.read { try $0.row("SELECT value FROM items WHERE id = -1") }
                #expect(row?[0] == .integer(Int64(added)), "seed \(seed)")
            }
        }
    }
}

/// Runs tasks on one thread, in the order in which they can go on.
private final class OneAfterAnother: TaskExecutor {
    private let queue = DispatchQueue(label: "OneAfterAnother")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// A transaction of the model's.
private struct Step: Sendable {
    /// How it fails after its changes, if it does.
    enum Fault: CaseIterable {
        case none, thrown, conflict, mistake, later
    }

    let keys: Range<Int>
    let changes: [(key: Int, value: Int)]
    let addition: Int
    let fault: Fault
    let concurrency: WriteConcurrency

    var fails: Bool { fault != .none }

    init(_ task: Int, _ keys: Int, using random: inout RandomSource) {
        self.keys = task * 1_000..<task * 1_000 + keys
        changes = (0..<Int.random(in: 0...3, using: &random))
            .map { [keys = self.keys] _ in
                (Int.random(in: keys, using: &random), Int.random(in: 1...1_000_000, using: &random))
            }
        fault =
            Int.random(in: 0..<4, using: &random) == 0 ? Fault.allCases.randomElement(using: &random) ?? .none : .none
        concurrency = Bool.random(using: &random) ? .alone : .concurrent
        // A counter is read and written, which only those who write alone may do.
        addition = concurrency == .alone ? Int.random(in: 0...3, using: &random) : 0
    }

    func run(on connection: any SQLConnection) throws -> [Int: Int] {
        let rows = try connection.rows(
            "SELECT id, value FROM items WHERE id BETWEEN \(keys.lowerBound) AND \(keys.upperBound)"
        )
        let seen = try Dictionary(uniqueKeysWithValues: rows.map { (Int(try $0.integer(0)), Int(try $0.integer(1))) })
        for (key, value) in changes { try connection.run("UPDATE items SET value = \(value) WHERE id = \(key)") }
        if addition > 0 {
            let value = try connection.row("SELECT value FROM items WHERE id = -1")?.integer(0) ?? 0
            try connection.run("UPDATE items SET value = \(Int(value) + addition) WHERE id = -1")
        }
        switch fault {
        case .none: break
        case .thrown: throw Refusal()
        case .conflict: try connection.run("INSERT INTO items (id) VALUES (\(keys.lowerBound))")
        case .mistake: try connection.run("INSERT INTO nowhere VALUES (1)")
        case .later: try connection.run("UPDATE items SET later = -999 WHERE id = \(keys.lowerBound)")
        }
        return seen
    }

    func apply(to model: inout [Int: Int]) {
        for (key, value) in changes { model[key] = value }
    }
}

/// Ids that are noted at the commit.
private struct Note: PendingChange {
    let ids: [Int]
    let didWrite: @Sendable ([Int]) -> Void

    func write(on connection: any SQLConnection) throws(Failure) {
        for id in ids { try connection.run("UPDATE items SET value = 1 WHERE id = \(id)") }
        didWrite(ids)
    }
}

/// A change that cannot be written.
private struct FaultyChange: PendingChange {
    let isHeeded: Bool

    func write(on connection: any SQLConnection) throws(Failure) {
        if isHeeded { throw Failure(.invalidRequest, "It cannot be written.") }
        do throws(Failure) {
            try connection.run("INSERT INTO nowhere VALUES (1)")
        } catch {
            // This is what the test is about.
        }
    }
}
