import Foundation
import Synchronization
import Testing
import WitanCore
import WitanPostgres
import WitanStorage

@Suite("PostgreSQL with a replica", .enabled(if: PostgresInstance.isAvailable), .replica, .serialized)
struct ReplicaTests {
    private static let place: SQLQuery = "SELECT CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE 'primary' END"

    private func stalePlace(_ database: PostgresDatabase) async throws -> String? {
        try await database.readStale { try $0.row(Self.place)?.text(0) }
    }

    /// Expects that the replica answers what may be stale, and the primary everything else.
    private func expectPlaces(_ database: PostgresDatabase) async throws {
        var places = ["stale": try await stalePlace(database)]
        places["read"] = try await database.read { try $0.row(Self.place)?.text(0) }
        for kind in WriteConcurrency.allCases {
            places["\(kind)"] = try await database.write(kind) { try $0.row(Self.place)?.text(0) }
        }
        for (kind, place) in places { #expect(place == (kind == "stale" ? "replica" : "primary"), "\(kind)") }
    }

    private func withReplica(
        limits: Limits = Limits(),
        _ body: (PostgresDatabase, PostgresInstance, Replica) async throws -> Void
    ) async throws {
        let (server, replica) = try #require(ReplicaTrait.current)
        try await withDatabase(server.url(), replica: replica.url(), limits: limits) { database in
            try await body(database, server, replica)
        }
    }

    @Test("what may be stale is read from the replica, and everything else from the primary")
    func divides() async throws {
        try await withReplica { database, _, _ in
            try await expectPlaces(database)
            await expectFailure(.bug) {
                try await database.readStale { try $0.run("CREATE TABLE nothing (id BIGINT)") }
            }
        }
    }

    @Test("while the replica is away the primary answers in its place, at once, and then the replica again")
    func away() async throws {
        try await withReplica { database, server, replica in
            #expect(try await stalePlace(database) == "replica")
            try await replica.stop()
            let time = try await duration {
                for _ in 1...50 {
                    let place = try await stalePlace(database)
                    #expect(place == "primary")
                }
            }
            #expect(time < .seconds(60))
            try await replica.start()
            try await eventually("the replica's use") { try await stalePlace(database) == "replica" }
        }
    }

    @Test("a replica that has not got so far is no failure, and a statement that takes too long there is not run again")
    func behind() async throws {
        try await withReplica { database, server, replica in
            try await PostgresInstance.execute(["SELECT pg_wal_replay_pause()"], on: replica.url())
            try await server.execute("CREATE TABLE later (id BIGINT)", "INSERT INTO later VALUES (1)")
            let row = try await database.readStale { try $0.row("SELECT id FROM later") }
            #expect(row?[0] == 1)
            try await PostgresInstance.execute(["SELECT pg_wal_replay_resume()"], on: replica.url())
            try await eventually("the table on the replica") {
                try await PostgresInstance.execute(["SELECT to_regclass('later')"], on: replica.url()) == ["later"]
            }
            // Nothing is asked of both that takes long on one.
            var limits = Limits()
            limits.statementDuration = .milliseconds(300)
            let runs = Counter()
            try await withReplica(limits: limits) { database, _, _ in
                await expectFailure(.unavailable, "too long") {
                    try await database.readStale { connection in
                        runs.add()
                        return try connection.row("SELECT pg_sleep(60) IS NULL")
                    }
                }
            }
            #expect(runs.value == 1)
        }
    }

    @Test(
        "a statement that the replica ends for the sake of what it follows is run again there, and at last on the primary",
        arguments: [1, 4]
    )
    func conflict(number: Int) async throws {
        try await withReplica { database, server, replica in
            let table = "disputed_\(number)"
            try await server.execute("CREATE TABLE \(table) (id BIGINT)", "INSERT INTO \(table) VALUES (1)")
            for (query, answer) in [("SELECT to_regclass('\(table)')", table), ("SELECT id FROM \(table)", "1")] {
                try await eventually("the row on the replica") {
                    try await PostgresInstance.execute([query], on: replica.url()) == [answer]
                }
            }
            let (held, told) = AsyncStream<Void>.makeStream()
            let places = Mutex<[String]>([])
            let read: @Sendable (any SQLConnection) throws -> SQLRow? = { connection in
                let place = try connection.row(Self.place)?.text(0) ?? ""
                let row = try connection.row("SELECT COUNT(*) FROM \(identifier: table)")
                let runs = places.withLock { places in
                    places.append(place)
                    return places.count
                }
                if runs <= number {
                    // The snapshot is held until the replica ends this, for it has nothing else to end.
                    told.yield()
                    _ = try connection.row("SELECT pg_sleep(60) IS NULL")
                }
                return row
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { told.finish() }
                    let row = try await database.readStale(read)
                    #expect(row?[0] == 1)
                }
                for await _ in held {
                    // Makes the replica remove a row that the snapshot sees.
                    try await server.execute("UPDATE \(table) SET id = id", "VACUUM \(table)")
                }
                try await group.waitForAll()
            }
            // It is tried four times.
            let last = number < 4 ? "replica" : "primary"
            #expect(places.withLock { $0 } == Array(repeating: "replica", count: number) + [last])
        }
    }

    @Test("of two servers the one that takes writes is found, whichever comes first, and a replica alone is told of")
    func findsPrimary() async throws {
        let (server, replica) = try #require(ReplicaTrait.current)
        func url(_ places: [(folder: String, port: Int)], _ more: String = "") -> String {
            let folders = places.map(\.folder).joined(separator: ",")
            let ports = places.map { "\($0.port)" }.joined(separator: ",")
            return "postgres:///postgres?host=\(folders)&port=\(ports)&user=postgres\(more)"
        }
        let primaryPlace = (server.folder, server.port)
        let replicaPlace = (replica.folder, 5_432)
        for places in [[primaryPlace, replicaPlace], [replicaPlace, primaryPlace]] {
            try await withDatabase(url(places), replica: url(places, "&target_session_attrs=prefer-standby")) {
                database in
                try await expectPlaces(database)
            }
        }
        try await withDatabase(replica.url()) { database in
            await expectFailure(.unavailable, "Name the primary") {
                try await database.write { try $0.run("CREATE TABLE nothing (id BIGINT)") }
            }
        }
        try await withDatabase(url([replicaPlace, replicaPlace])) { database in
            await expectFailure(.unavailable, "Name the primary") { try await database.ping() }
        }
    }
}

/// A server that follows another one.
struct Replica: Sendable {
    let folder: String

    private let control: [String]

    func url(_ database: String = "postgres") -> String {
        "postgres:///\(database)?host=\(folder)&port=5432&user=postgres"
    }

    /// Copies a server and follows it while `body` uses it.
    static func with<Result: Sendable>(
        of server: PostgresInstance,
        _ body: (Replica) async throws -> Result
    ) async throws -> Result {
        // Within the server's folder, and so removed with it.
        let folder = "\(server.folder)/replica"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        if geteuid() == 0 { try await Command.run("chown", "postgres", folder) }
        let copy = Command.asOwner(
            server.program("pg_basebackup"),
            "--pgdata=\(folder)/data",
            "--dbname=\(server.url())",
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync"
        )
        let copied = try await Command.attempt(copy)
        try #require(copied.isSuccess, "\(copied)")
        let settings = try #require(FileHandle(forWritingAtPath: "\(folder)/data/postgresql.conf"))
        try settings.seekToEnd()
        // What it follows waits for none of its statements.
        let lines = ["unix_socket_directories = '\(folder)'", "port = 5432", "max_standby_streaming_delay = 0"]
        try settings.write(contentsOf: Data(lines.map { "\($0)\n" }.joined().utf8))
        try settings.close()
        let replica = Replica(
            folder: folder,
            control: Command.asOwner(server.program("pg_ctl"), "--pgdata=\(folder)/data", "--wait", "--silent")
        )
        // Ended at the end of the standard input, and so with this process at the latest.
        let hold =
            "\"$@\" start --log=\(folder)/log || exit 1; echo ready; cat >/dev/null; \"$@\" stop --mode=immediate"
        return try await Command.whileRunning(["bash", "-c", hold, "bash"] + replica.control) { _ in
            try await body(replica)
        }
    }

    func start() async throws {
        let command = try await Command.attempt(control + ["start", "--log=\(folder)/log"])
        try #require(command.isSuccess, "\(command)")
    }

    func stop() async throws {
        let command = try await Command.attempt(control + ["stop", "--mode=fast"])
        try #require(command.isSuccess, "\(command)")
    }
}

/// Gives a suite a server of its own and one that follows it.
struct ReplicaTrait: SuiteTrait, TestScoping {
    @TaskLocal static var current: (server: PostgresInstance, replica: Replica)?

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await PostgresInstance.with { server in
            try await Replica.with(of: server) { replica in
                try await Self.$current.withValue((server, replica), operation: function)
            }
        }
    }
}

extension Trait where Self == ReplicaTrait {
    static var replica: ReplicaTrait { ReplicaTrait() }
}
