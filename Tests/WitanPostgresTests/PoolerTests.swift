import Foundation
import Testing
import WitanCore
import WitanPostgres
import WitanStorage
import WitanTesting

@Suite(
    "PostgreSQL behind a pooler in transaction mode",
    .enabled(if: PostgresInstance.isAvailable),
    .enabled("needs pgbouncer") { Pooler.isInstalled },
    .pooler
)
struct PoolerTests {
    /// An engine whose databases are reached through the pooler.
    private static func engine() throws -> Engine {
        let (server, pooler) = try #require(PoolerTrait.current)
        return Engine(name: "PostgreSQL behind pgbouncer", explain: nil) {
            let name = "place_\(UUID().uuidString.replacing("-", with: ""))".lowercased()
            try await server.execute("CREATE DATABASE \(name)")
            return Engine.Place(
                open: { limits, observer in
                    var configuration = PostgresDatabase.Configuration(
                        primary: try PostgresAddress(url: pooler.url(name))
                    )
                    configuration.connections = 8
                    configuration.preparesStatements = false
                    let database = PostgresDatabase(configuration, limits: limits, observer: observer, time: .system)
                    return (database, { await database.close() })
                },
                remove: { try await server.execute("DROP DATABASE \(name) WITH (FORCE)") }
            )
        }
    }

    @Test("the engine keeps a rule", arguments: DatabaseContract.all)
    func keepsRule(contract: DatabaseContract) async throws {
        try await contract.check(Self.engine())
    }

    @Test("without the setting nobody is given a wrong answer, and the refusal says which setting it is")
    func withoutSetting() async throws {
        let (server, pooler) = try #require(PoolerTrait.current)
        try await server.execute("CREATE DATABASE unprepared")
        try await withDatabase(pooler.url("unprepared"), connections: 16) { database in
            let messages = try await withThrowingTaskGroup(of: [String].self) { group in
                for task in 0..<32 {
                    group.addTask {
                        var messages: [String] = []
                        for round in 0..<20 {
                            do {
                                let row = try await database.read { connection in
                                    // The same arguments for statements that are different.
                                    let number = (task + round) % 7
                                    let row = try connection.row("SELECT \(raw: "\(number)"), \(task)")
                                    _ = try connection.row("SELECT pg_sleep(0.001) IS NULL")
                                    return row.map { ($0, number) }
                                }
                                #expect(row?.0.values == [.integer(Int64(row?.1 ?? 0)), .integer(Int64(task))])
                            } catch let failure as Failure {
                                messages.append(failure.message)
                                #expect(failure.code == .unavailable)
                            }
                        }
                        return messages
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(!messages.isEmpty)
            #expect(messages.allSatisfy { $0.contains("set --database-pooler transaction") })
        }
    }

    @Test("a cancellation reaches the server through the pooler, and nobody else")
    func cancellation() async throws {
        let (server, pooler) = try #require(PoolerTrait.current)
        try await server.execute("CREATE DATABASE cancelled")
        try await withDatabase(pooler.url("cancelled"), preparesStatements: false) { database in
            try await makeItems(in: database)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in 0..<20 {
                    group.addTask {
                        _ = try await database.write { try $0.run("INSERT INTO items (id) VALUES (\(id))") }
                    }
                }
                try await withThrowingTaskGroup(of: Void.self) { cancelled in
                    cancelled.addTask {
                        await #expect(throws: CancellationError.self) {
                            try await database.read { try $0.row("SELECT pg_sleep(60) IS NULL") }
                        }
                    }
                    func sleeping() async throws -> Int {
                        try await server.execute(
                            """
                            SELECT pid FROM pg_stat_activity
                            WHERE datname = 'cancelled' AND state = 'active' AND query LIKE '%pg_sleep%'
                            """
                        )
                        .count
                    }
                    try await eventually("the statement's begin") { try await sleeping() == 1 }
                    cancelled.cancelAll()
                    try await cancelled.waitForAll()
                    #expect(try await sleeping() == 0)
                }
                try await group.waitForAll()
            }
            #expect(try await ids(in: database) == Array(0..<20))
        }
    }

    @Test("time limits hold through the pooler, and end with their transaction")
    func limits() async throws {
        let (server, pooler) = try #require(PoolerTrait.current)
        try await server.execute("CREATE DATABASE limited")
        var limits = Limits()
        limits.statementDuration = .milliseconds(200)
        try await withDatabase(pooler.url("limited"), preparesStatements: false, limits: limits) { database in
            await expectFailure(.unavailable, "too long") {
                try await database.read { try $0.row("SELECT pg_sleep(60) IS NULL") }
            }
            try await database.ping()
        }
        // What another client of the pooler's finds.
        let answer = try await PostgresInstance.execute(
            ["SHOW statement_timeout", "SHOW lock_timeout", "SHOW synchronous_commit"],
            on: pooler.url("limited")
        )
        #expect(answer == ["0", "0", "on"])
    }
}

/// Gives a suite a server of its own with a pooler before it.
struct PoolerTrait: SuiteTrait, TestScoping {
    @TaskLocal static var current: (server: PostgresInstance, pooler: Pooler)?

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await PostgresInstance.with { server in
            try await Pooler.with(before: server, connections: 6) { pooler in
                try await Self.$current.withValue((server, pooler), operation: function)
            }
        }
    }
}

extension Trait where Self == PoolerTrait {
    static var pooler: PoolerTrait { PoolerTrait() }
}
