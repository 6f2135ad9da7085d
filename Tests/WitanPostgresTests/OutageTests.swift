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
        _ body: (PostgresDatabase, PostgresInstance, _ name: String) async throws -> Void
    ) async throws {
        let server = try OwnServer.instance()
        let name = "items_\(UUID().uuidString.prefix(8))".lowercased()
        try await server.execute("CREATE DATABASE \(name)")
        try await withDatabase(server.url(name), connections: connections, limits: limits) { database in
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
        try await withItems { database, server, _ in
            let done = Counter()
            let next = Counter()
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
                            } catch {
                                calls.append(Call(id: task % 3 == 0 ? -1 : id, begin: begin, end: .now, error: error))
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
                try await eventually("load") { next.value > 200 }
                try await server.stop(mode)
                try await Task.sleep(for: .milliseconds(300))
                try await server.start()
                let restarted = ContinuousClock.now
                let before = next.value
                try await eventually("more load") { next.value > before + 400 && .now - restarted > .seconds(2) }
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
                #expect(call.end - call.begin < .seconds(2))
            }
            // A second is the longest that nobody tries to connect; the rest is the machine's.
            let late = failed.filter { $0.end - restarted > .milliseconds(1_900) }
            #expect(late.isEmpty, "\(late.map { $0.end - restarted })")
            let found = Set(try await ids(in: database))
            let answered = Set(calls.filter { $0.error == nil && $0.id >= 0 }.map(\.id))
            #expect(found.isSuperset(of: answered))
            #expect(found.isSubset(of: Set(calls.map(\.id))))
        }
    }

    private func count(_ database: PostgresDatabase) async throws -> Int64? {
        try await database.read { try $0.row("SELECT COUNT(*) FROM items") }?.integer(0)
    }

    @Test("while the database is away everybody is refused at once, and few try to reach it")
    func away() async throws {
        let server = try OwnServer.instance()
        try await Proxy.with(before: server.folder) { proxy in
            let url = server.url().replacing(server.folder, with: proxy.folder)
            try await withDatabase(url, connections: 8) { database in
                try await useAll(database)
                try await server.stop()
                let before = proxy.connections
                let begin = ContinuousClock.now
                var calls = 0
                var longest = Duration.zero
                while .now - begin < .seconds(1) {
                    let time = await duration {
                        await expectFailure(.unavailable) { try await database.ping() }
                        await expectFailure(.unavailable) { try await database.write { _ = try $0.row("SELECT 1") } }
                    }
                    longest = max(longest, time)
                    calls += 2
                }
                #expect(calls > 100)
                #expect(longest < .seconds(1))
                // At most one of each connection, and one after another from then on.
                #expect(proxy.connections - before <= 8 + 10)
                try await server.start()
                try await eventually(within: .seconds(5), "recovery") {
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
        var limits = Limits()
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
        var limits = Limits()
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

    @Test("a commit that no replica confirms is not answered as if it were safe, and holds nothing for ever")
    func unconfirmed() async throws {
        var limits = Limits()
        limits.statementDuration = .milliseconds(300)
        try await withItems(limits: limits) { database, server, name in
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
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await expectFailure(.unavailable, "no replica has it yet") { try await database.write(write) }
                }
                try await eventually("the wait") { try await !waiting().isEmpty }
                try await server.execute(
                    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                )
                try await group.waitForAll()
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

    @Test("a cancellation that the server does not take in keeps nobody for long")
    func frozenServer() async throws {
        var limits = Limits()
        limits.databaseConnectDuration = .milliseconds(300)
        try await withItems(connections: 4, limits: limits) { database, server, name in
            try await database.ping()
            let text = try String(contentsOfFile: "\(server.data)/postmaster.pid", encoding: .utf8)
            let process = try #require(pid_t(text.split(separator: "\n").first.map(String.init) ?? ""))
            let (begun, told) = AsyncStream<Void>.makeStream()
            let time = try await duration {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
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
            #expect(time < .seconds(8))
            await expectFailure(.unavailable) { try await database.ping() }
            kill(process, SIGCONT)
            try await eventually(within: .seconds(5), "recovery") {
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
        var limits = Limits()
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
