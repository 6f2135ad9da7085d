import Synchronization
import Testing
import WitanCore
import WitanEngines
import WitanStorage
import WitanTesting

@Suite("The check of statements' plans")
struct QueryPlanCheckerTests {
    /// A statement that no store makes, and the table that it walks.
    struct Example: Sendable, CustomTestStringConvertible {
        let query: SQLQuery
        let walked: String?

        var testDescription: String { query.text }
    }

    private static let examples = [
        Example(query: "SELECT k.id FROM api_keys AS k WHERE k.preview_name = \("sk-1")", walked: "api_keys"),
        Example(query: "SELECT g.user_id FROM group_users AS g ORDER BY g.group_id, g.user_id", walked: "group_users"),
        Example(query: "UPDATE projects SET name = \("x") WHERE description = \("y")", walked: "projects"),
        Example(
            query: """
                SELECT k.id FROM api_keys AS k JOIN users AS u ON u.id = k.user_id WHERE u.given_name = \("Ada")
                """,
            walked: "users"
        ),
        Example(
            query: """
                SELECT k.id FROM api_keys AS k WHERE k.org_id = \(ObjectID.acme) ORDER BY k.created DESC, k.id DESC LIMIT \(9)
                """,
            walked: nil
        ),
        Example(query: "SELECT k.name FROM api_keys AS k WHERE k.id = \(ObjectID.acme)", walked: nil),
    ]

    @Test("tells of a statement that walks a table, and of no other", arguments: Engine.available, examples)
    func tells(_ engine: Engine, _ example: Example) async throws {
        try await engine.withSchema { database in
            let problems = Mutex<[String]>([])
            let checker = QueryPlanChecker(
                database.byHand,
                report: { problem in problems.withLock { $0.append(problem) } },
                explain: try #require(engine.explain)
            )
            // Twice, of which only the first is looked at.
            for _ in 1...2 { _ = try await checker.write { try $0.rows(example.query) } }
            let told = problems.withLock(\.self)
            #expect(told.count == (example.walked == nil ? 0 : 1), "\(told)")
            if let walked = example.walked { #expect(told.first?.contains("walks the table \(walked) ") == true) }
        }
    }

    @Test("looks at every statement that is new, however many ask at once", arguments: Engine.available)
    func looksAtAll(_ engine: Engine) async throws {
        let asked = Mutex<[String]>([])
        let explain = try #require(engine.explain)
        try await engine.withSchema { database in
            let checker = QueryPlanChecker(database.byHand) { query, database in
                let walks = try await explain(query, database)
                asked.withLock { $0.append(query.text) }
                return walks
            }
            let texts = (1...40).map { "SELECT k.id AS looked_at_\($0) FROM api_keys AS k WHERE k.id = ?" }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...40 {
                    group.addTask {
                        let name = "looked_at_\(number)"
                        _ = try await checker.read {
                            try $0.rows("SELECT k.id AS \(raw: name) FROM api_keys AS k WHERE k.id = \(ObjectID.acme)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(asked.withLock { $0.sorted() } == texts.sorted())
        }
    }

    @Test("a planner that cannot be asked fails the test", .enabled(if: Engine.postgres != nil))
    func plannerAway() async throws {
        let engine = try #require(Engine.postgres)
        try await engine.withSchema { database in
            let problems = Mutex<[String]>([])
            let checker = QueryPlanChecker(
                database.byHand,
                report: { problem in problems.withLock { $0.append(problem) } },
                explain: PostgresPlanner.explain(on: "postgres:///postgres?host=/nowhere&user=nobody")
            )
            _ = try await checker.read { try $0.rows("SELECT 1 AS asked_of_nobody") }
            #expect(problems.withLock { $0.count == 1 && $0[0].contains("has no plan") })
        }
    }

    @Test(
        "a schema that cannot be made keeps no place from others",
        .enabled(if: PostgresPlace.server != nil),
        .timeLimit(.minutes(5))
    )
    func places() async throws {
        // More than there are places.
        for _ in 1...30 {
            await #expect(throws: Failure.self) {
                _ = try await PostgresPlace(on: "postgres:///postgres?host=/nowhere&user=nobody")
            }
        }
        let place = try await PostgresPlace(on: try #require(PostgresPlace.server))
        try await place.remove()
    }

    @Test("a test fails by it when nothing else is done about what it tells", arguments: Engine.available)
    func failsTheTest(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            try await withKnownIssue {
                _ = try await database.read { try $0.rows("SELECT k.id FROM api_keys AS k WHERE k.name = 'planted'") }
            } matching: { issue in
                issue.comments.contains { $0.rawValue.contains("walks the table api_keys") }
            }
        }
    }
}
