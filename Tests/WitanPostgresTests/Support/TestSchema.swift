import Foundation
import Testing
import WitanCore
import WitanEngines
import WitanPostgres
import WitanStorage

/// Opens a pool while `body` uses it.
@discardableResult
func withDatabase<Result>(
    _ url: String,
    connections: Int = 8,
    replica: String? = nil,
    preparesStatements: Bool = true,
    limits: Limits = Limits(),
    observer: TransactionObserver = .none,
    time: TimeSource = .system,
    _ body: (PostgresDatabase) async throws -> Result
) async throws -> Result {
    var configuration = PostgresDatabase.Configuration(primary: try PostgresAddress(url: url))
    configuration.connections = connections
    configuration.replica = try replica.map { try PostgresAddress(url: $0) }
    configuration.preparesStatements = preparesStatements
    let database = PostgresDatabase(configuration, limits: limits, observer: observer, time: time)
    do {
        let result = try await body(database)
        await database.close()
        return result
    } catch {
        await database.close()
        throw error
    }
}

/// A schema of the tests' server that one test has for itself.
struct TestSchema: Sendable {
    let url: String

    /// What its connections call themselves.
    let application: String

    /// Makes one while `body` uses it.
    static func with<Result>(_ body: (TestSchema) async throws -> Result) async throws -> Result {
        let place = try await PostgresPlace(on: try #require(PostgresPlace.server))
        let application = "test_\(UUID().uuidString.prefix(8))"
        do {
            let result = try await body(
                TestSchema(url: "\(place.url)&application_name=\(application)", application: application)
            )
            try await place.remove()
            return result
        } catch {
            // The test has failed already.
            try? await place.remove()
            throw error
        }
    }

    /// Makes one, with a table `items`, and opens it while `body` uses it.
    @discardableResult
    static func withDatabase<Result>(
        connections: Int = 8,
        limits: Limits = Limits(),
        observer: TransactionObserver = .none,
        time: TimeSource = .system,
        _ body: (PostgresDatabase, TestSchema) async throws -> Result
    ) async throws -> Result {
        try await with { schema in
            try await WitanPostgresTests.withDatabase(
                schema.url,
                connections: connections,
                limits: limits,
                observer: observer,
                time: time
            ) { database in
                try await makeItems(in: database)
                return try await body(database, schema)
            }
        }
    }

    /// What a query about the server's connections says of this schema's, but for the one that asks.
    func activity(_ column: String, where condition: String = "true") async throws -> [String] {
        try await PostgresInstance.execute(
            [
                """
                SELECT \(column) FROM pg_stat_activity
                WHERE application_name = '\(application)' AND \(condition) ORDER BY pid
                """
            ],
            on: try #require(PostgresPlace.server)
        )
    }
}

/// Makes a table `items`.
func makeItems(in database: PostgresDatabase) async throws {
    try await database.write { connection in
        try connection.run(
            """
            CREATE TABLE items (
                id BIGINT PRIMARY KEY, name TEXT UNIQUE, value BIGINT NOT NULL DEFAULT 0,
                later BIGINT REFERENCES items (id) DEFERRABLE INITIALLY DEFERRED
            )
            """
        )
    }
}

/// The ids of the table `items`, in order.
func ids(in database: any SQLDatabase) async throws -> [Int] {
    try await database.read { connection in
        try connection.rows("SELECT id FROM items ORDER BY id").map { Int(try $0.integer(0)) }
    }
}

/// Waits until something is so, which it must be soon.
func eventually(
    within limit: Duration = .seconds(60),
    _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ isSo: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !isSo() {
        try #require(ContinuousClock.now < deadline, "\(what) did not come about", sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// How long `body` takes.
func duration(of body: () async throws -> Void) async rethrows -> Duration {
    try await ContinuousClock().measure(body)
}

/// Checks that `body` throws a failure of that kind, with `part` in what whoever runs the server is told, and returns it.
@discardableResult
func expectFailure(
    _ code: Failure.Code = .unavailable,
    _ part: String = "",
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> some Sendable
) async -> Failure? {
    let failure = await #expect(throws: Failure.self, sourceLocation: sourceLocation) { _ = try await body() }
    #expect(failure?.code == code, sourceLocation: sourceLocation)
    if let failure {
        #expect(part.isEmpty || failure.explanation.contains(part), "\(failure)", sourceLocation: sourceLocation)
        for text in [failure.message, failure.explanation] {
            #expect(code == .bug || text.hasSuffix("."), "a sentence: \(text)", sourceLocation: sourceLocation)
        }
    }
    if code == .unavailable { #expect(failure?.retryAfter != nil, sourceLocation: sourceLocation) }
    return failure
}

/// An error that no engine throws.
struct Refusal: Error {}
