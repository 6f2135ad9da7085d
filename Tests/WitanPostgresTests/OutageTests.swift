import Foundation
import Synchronization
import Testing
import WitanCore
import WitanPostgres
import WitanStorage
import WitanTesting

@Suite(
    "When PostgreSQL goes away and comes back",
    .enabled(if: PostgresInstance.isAvailable),
    .ownServer(),
    .serialized
)
struct OutageTests {
    /// Makes a database with an empty table `items`, and opens it while `body` uses it.
    private func withItems(
        connections: Int = 8,
        limits: Limits = Limits(),
        messages: String = "notice",
        _ body: (PostgresDatabase, PostgresInstance, _ name: String) async throws -> Void
    ) async throws {
        let server = try OwnServer.instance()
        let name = "items_\(UUID().uuidString.prefix(8))".lowercased()
        try await server.execute("CREATE DATABASE \(name)")
        let url = server.url(name, "options=-cclient_min_messages%3D\(messages)")
        try await withDatabase(url, connections: connections, limits: limits) { database in
            try await makeItems(in: database)
            try await body(database, server, name)
        }
    }

    // MARK: Restarts

    @Test(
        "connections that were ended while they were idle are noticed before their use",
        arguments: ["fast", "immediate", "terminated"]
    )
    func idle(how: String) async throws {
        try await withItems { database, server, name in
            try await useAll(database)
            if how == "terminated" {
                try await server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)'"
                )
            } else {
                try await server.restart(how)
            }
            // Whoever comes first meets what is left of the old connections.
            try await useAll(database)
        }
    }

    /// Runs enough at once for every connection to be used.
    private func useAll(_ database: PostgresDatabase) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<80 {
                group.addTask {
                    let body: @Sendable (any SQLConnection) throws -> Void = { connection in
                        _ = try connection.row("SELECT pg_sleep(0.005) IS NULL")
                    }
                    if index % 4 == 3 {
                        try await database.read(body)
                    } else {
                        try await database.write(WriteConcurrency.allCases[index % 4], body)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// What came of one call.
    private struct Call: Sendable {
        let id: Int
        let begin: ContinuousClock.Instant
        let end: ContinuousClock.Instant
        let error: (any Error)?
    }

    @Test(
        "under load a restart costs some calls a quick refusal, and nobody anything that was answered",
        arguments: ["fast", "immediate"]
    )
    func load(mode: String) async throws {
        // Nobody who waited for the database instead would be refused before the test is given up.
        try await withItems(limits: .unhurried) { database, server, _ in
            let done = Counter()
            let next = Counter()
            let answered = Counter()
            let refused = Counter()
            let (calls, restarted) = try await withThrowingTaskGroup(of: [Call].self) { group in
                for task in 0..<12 {
                    group.addTask {
                        var calls: [Call] = []
                        while done.value == 0 {
                            let id = next.add()
                            let begin = ContinuousClock.now
                            do {
                                if task % 3 == 0 {
                                    _ = try await self.count(database)
                                } else {
                                    let kind = WriteConcurrency.allCases[task % 3 - 1]
                                    try await database.write(kind) {
                                        try $0.run("INSERT INTO items (id) VALUES (\(id))")
                                    }
                                }
                                calls.append(Call(id: id, begin: begin, end: .now, error: nil))
                                answered.add()
                            } catch {
                                calls.append(Call(id: task % 3 == 0 ? -1 : id, begin: begin, end: .now, error: error))
                                refused.add()
                                // As a client does, who is told to come again later.
                                try await Task.sleep(for: .milliseconds(20))
                            }
                            if task % 3 == 0, let last = calls.last, last.error == nil {
                                calls[calls.count - 1] = Call(id: -1, begin: last.begin, end: last.end, error: nil)
                            }
                        }
                        return calls
                    }
                }
                defer { done.add() }
                try await eventually("load") { answered.value > 200 }
                try await server.stop(mode)
                let refusals = refused.value
                try await eventually("refusals") { refused.value > refusals + 40 }
                try await server.start()
                let restarted = ContinuousClock.now
                let before = answered.value
                try await eventually("more load") { answered.value > before + 400 }
                done.add()
                return (try await group.reduce(into: [Call]()) { $0 += $1 }, restarted)
            }
            let failed = calls.filter { $0.error != nil }
            #expect(!failed.isEmpty)
            for call in failed {
                let failure = call.error as? Failure
                #expect(
                    failure?.code == .unavailable && failure?.retryAfter != nil,
                    "\(String(describing: call.error))"
                )
            }
            // Once one has been answered, the others are too.
            let recovered = try #require(calls.filter { $0.error == nil && $0.begin > restarted }.map(\.end).min())
            let late = failed.filter { $0.begin > recovered }
            #expect(late.isEmpty, "\(late.map { $0.begin - recovered })")
            let found = Set(try await ids(in: database))
            let kept = Set(calls.filter { $0.error == nil && $0.id >= 0 }.map(\.id))
            #expect(found.isSuperset(of: kept))
            #expect(found.isSubset(of: Set(calls.map(\.id))))
        }
    }

    private func count(_ database: PostgresDatabase) async throws -> Int64? {
        try await database.read { try $0.row("SELECT COUNT(*) FROM items") }?.integer(0)
    }

    @Test(
        "while the database is away everybody is refused at once, and few try to reach it",
        .timeLimit(.minutes(5))
    )
    func away() async throws {
        let server = try OwnServer.instance()
        let clock = FakeClock()
        try await Proxy.with(before: server.folder) { proxy in
            let url = server.url().replacing(server.folder, with: proxy.folder)
            try await withDatabase(url, connections: 8, limits: .unhurried, time: clock.source) { database in
                try await useAll(database)
                try await server.stop()
                /// How many connections are tried while many are refused.
                func tries() async -> Int {
                    let before = proxy.connections
                    for _ in 1...50 {
                        await expectFailure(.unavailable) { try await database.ping() }
                        await expectFailure(.unavailable) { try await database.write { _ = try $0.row("SELECT 1") } }
                    }
                    return proxy.connections - before
                }
                // At most one of each connection, and nobody from then on until it is time for another try.
                #expect(await tries() <= 8)
                #expect(await tries() == 0)
                for _ in 1...3 {
                    clock.advance(by: .seconds(1))
                    #expect(await tries() == 1)
                }
                try await server.start()
                #expect(await tries() == 0)
                clock.advance(by: .seconds(1))
                try await eventually("recovery") {
                    do {
                        try await database.ping()
                        return true
                    } catch {
                        return false
                    }
                }
                try await useAll(database)
            }
        }
    }

    // MARK: In the middle of transactions

    @Test("a transaction whose connection is lost before its commit is run again, and so are those that shared it")
    func lostBefore() async throws {
        var limits = Limits.unhurried
        limits.queuedTransactions = 5
        try await withItems(limits: limits) { database, _, _ in
            let runs = Counter()
            let answers = try await database.writeTogether(5) { connection, index in
                try connection.run("INSERT INTO items (id) VALUES (\(index))")
                guard runs.add() == 3 else { return }
                _ = try connection.row("SELECT pg_terminate_backend(pg_backend_pid())")
                try connection.run("UPDATE items SET value = 1")
            }
            #expect(answers.errors.values.allSatisfy { $0 == nil })
            #expect(try await ids(in: database) == answers.errors.keys.sorted())
            #expect(runs.value > 5)
            let reads = Counter()
            let row = try await database.read { connection in
                if reads.add() == 1 { _ = try connection.row("SELECT pg_terminate_backend(pg_backend_pid())") }
                return try connection.row("SELECT COUNT(*) FROM items")
            }
            #expect(row?[0] == 5)
            #expect(reads.value == 2)
        }
    }

    @Test("one that loses its connection each time it runs is given up")
    func lostAlways() async throws {
        try await withItems { database, _, _ in
            let runs = Counter()
            await expectFailure(.unavailable) {
                try await database.write { connection in
                    runs.add()
                    try connection.run("INSERT INTO items (id) VALUES (1)")
                    _ = try connection.row("SELECT pg_terminate_backend(pg_backend_pid())")
                    try connection.run("UPDATE items SET value = 1")
                }
            }
            #expect(runs.value == 4)
            let kept = try await ids(in: database)
            #expect(kept == [])
        }
    }

    @Test(
        "a commit whose answer is lost is never run again, says so to all who shared it, and is all there or not at all",
        arguments: [Proxy.Mode.cutsAfterCommit, .cutsBeforeCommit]
    )
    func lostAnswer(mode: Proxy.Mode) async throws {
        var limits = Limits.unhurried
        limits.queuedTransactions = 5
        try await withItems(limits: limits) { own, server, name in
            try await Proxy.with(before: server.folder) { proxy in
                let url = server.url(name).replacing(server.folder, with: proxy.folder)
                try await withDatabase(url, limits: limits) { database in
                    try await database.ping()
                    let runs = Counter()
                    let answers = try await database.writeTogether(5) { connection, index in
                        if runs.add() == 1 { proxy.set(mode) }
                        try connection.run("INSERT INTO items (id) VALUES (\(index))")
                    }
                    for error in answers.errors.values {
                        #expect((error as? Failure)?.code == .unavailable)
                        #expect((error as? Failure)?.message.contains("look whether it is there") == true)
                    }
                    #expect(runs.value == 5)
                    #expect(proxy.isOpen)
                    // The server undoes what was not committed once it notices that the connection is gone.
                    if case .cutsAfterCommit = mode {
                        #expect(try await ids(in: own) == answers.errors.keys.sorted())
                    } else {
                        try await eventually("the end of the transaction") {
                            try await server.execute(
                                "SELECT 1 FROM pg_stat_activity WHERE datname = '\(name)' AND state LIKE 'idle in%'"
                            )
                            .isEmpty
                        }
                        #expect(try await ids(in: own) == [])
                    }
                    // And everybody goes on.
                    try await database.write { try $0.run("INSERT INTO items (id) VALUES (100)") }
                }
            }
        }
    }

    @Test(
        "a commit that no replica confirms is not answered as if it were safe, whatever messages its user does without",
        arguments: ["notice", "error"]
    )
    func unconfirmed(messages: String) async throws {
        var limits = Limits()
        limits.statementDuration = .seconds(1)
        try await withItems(limits: limits, messages: messages) { database, server, name in
            try await set("nobody", on: server)
            let runs = Counter()
            let write: @Sendable (any SQLConnection) throws -> Void = { connection in
                try connection.run("INSERT INTO items (id) VALUES (\(runs.add()))")
            }
            func waiting() async throws -> [String] {
                try await server.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = '\(name)' AND wait_event = 'SyncRep'"
                )
            }
            await expectFailure(.unavailable, "look whether it is there") { try await database.write(write) }
            try await eventually("the end of the wait") { try await waiting().isEmpty }
            // An administrator may end the wait too.
            let url = server.url(name, "options=-cclient_min_messages%3D\(messages)")
            try await withDatabase(url, limits: .unhurried) { patient in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await expectFailure(.unavailable, "no replica has it yet") { try await patient.write(write) }
                    }
                    try await eventually("the wait") { try await !waiting().isEmpty }
                    try await server.execute(
                        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                    )
                    try await group.waitForAll()
                }
            }
            // What may be lost with the last moments waits for nobody.
            try await database.write(.transient, write)
            try await set("", on: server)
            try await database.write(write)
            #expect(runs.value == 4)
            let kept = try await ids(in: database)
            #expect(kept == [1, 2, 3, 4])
        }
    }

    /// Names the replicas that a commit waits for.
    private func set(_ names: String, on server: PostgresInstance) async throws {
        try server.configure(["synchronous_standby_names": "'\(names)'"])
        try await server.reload()
        try await eventually("the setting") {
            try await server.execute("SELECT '<' || current_setting('synchronous_standby_names') || '>'") == [
                "<\(names)>"
            ]
        }
    }

    @Test("a cancellation that the server does not take in keeps nobody for long", .timeLimit(.minutes(5)))
    func frozenServer() async throws {
        var limits = Limits.unhurried
        limits.databaseConnectDuration = .seconds(2)
        try await withItems(connections: 4, limits: limits) { database, server, name in
            try await database.ping()
            let text = try String(contentsOfFile: "\(server.data)/postmaster.pid", encoding: .utf8)
            let process = try #require(pid_t(text.split(separator: "\n").first.map(String.init) ?? ""))
            defer { kill(process, SIGCONT) }
            let (begun, told) = AsyncStream<Void>.makeStream()
            let time = try await duration {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        defer { told.finish() }
                        await #expect(throws: CancellationError.self) {
                            try await database.read { connection in
                                _ = try connection.row("SELECT 1")
                                // From now on nobody is let in, not even with a cancellation.
                                kill(process, SIGSTOP)
                                told.yield()
                                return try connection.row("SELECT pg_sleep(1) IS NULL")
                            }
                        }
                    }
                    for await _ in begun.prefix(1) {}
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
            #expect(time < .seconds(60))
            await expectFailure(.unavailable) { try await database.ping() }
            kill(process, SIGCONT)
            try await eventually("recovery") {
                do {
                    try await database.ping()
                    return true
                } catch {
                    return false
                }
            }
        }
    }

    @Test(
        "a full disk is told of, undoes what met it and nothing else, and is over once there is space",
        .enabled("needs the right to mount") { try await Disk.isPermitted() }
    )
    func fullDisk() async throws {
        var limits = Limits.unhurried
        limits.queuedTransactions = 6
        try await withItems(limits: limits) { database, server, name in
            try await Disk.mounted(kibibytes: 2_048, at: "\(server.folder)/disk") { path in
                try await server.execute("CREATE TABLESPACE small LOCATION '\(path)'")
                try await server.execute(
                    "CREATE TABLE large (id BIGINT PRIMARY KEY, filler TEXT) TABLESPACE small",
                    "ALTER TABLE large ALTER COLUMN filler SET STORAGE PLAIN",
                    database: name
                )
                let filler = String(repeating: "x", count: 7_000)
                let answers = try await database.writeTogether(6) { connection, index in
                    try connection.run("INSERT INTO items (id) VALUES (\(index))")
                    guard index % 3 == 1 else { return }
                    for id in 0..<1_000 {
                        try connection.run("INSERT INTO large VALUES (\(index * 1_000 + id), \(filler))")
                    }
                }
                for (index, error) in answers.errors {
                    #expect((error as? Failure)?.code == (index % 3 == 1 ? .unavailable : nil))
                    if let failure = error as? Failure { #expect(failure.message.contains("free some space")) }
                }
                #expect(try await ids(in: database) == answers.errors.keys.filter { $0 % 3 != 1 }.sorted())
                try await server.execute("DROP TABLE large", database: name)
                // The files go with the next checkpoint.
                try await server.execute("CHECKPOINT")
                try await database.write { connection in
                    try connection.run("CREATE TABLE large (id BIGINT PRIMARY KEY, filler TEXT) TABLESPACE small")
                    try connection.run("INSERT INTO large VALUES (1, \(filler))")
                }
                try await server.execute("DROP TABLE large", database: name)
                try await server.execute("CHECKPOINT")
                try await server.execute("DROP TABLESPACE small")
            }
        }
    }
}
