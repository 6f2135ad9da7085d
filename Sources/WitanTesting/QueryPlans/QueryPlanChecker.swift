import Testing
import WitanCore
package import WitanStorage

/// A database that asks its engine for the plan of each statement that has run for the first time, and makes the test
/// fail when it walks a table that an index could have spared.
///
/// Each text is looked at once for each engine, however many tests run it. What changes the schema is not looked at, nor
/// what follows it in the same transaction: a migration may walk what it changes.
package final class QueryPlanChecker: SQLDatabase {
    private let base: any SQLDatabase
    private let explain: PlanCheck.Explain?
    private let report: @Sendable (String) -> Void

    /// Checks what goes to `base`; `report` is told of the walks of a transaction when it has ended.
    package init(
        _ base: any SQLDatabase,
        report: @escaping @Sendable (String) -> Void = { Issue.record(Comment(rawValue: $0)) },
        explain: @escaping PlanCheck.Explain
    ) {
        self.base = base
        self.explain = explain
        self.report = report
    }

    private init(unchecked base: any SQLDatabase) {
        self.base = base
        explain = nil
        report = { _ in }
    }

    /// The same database, which may be walked.
    var unchecked: QueryPlanChecker { QueryPlanChecker(unchecked: base) }

    /// Reads from the other database.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await checking { check in
            try await self.base.read { try body(CheckedConnection($0, check)) }
        }
    }

    /// Reads from the other database what may be old.
    package func readStale<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await checking { check in
            try await self.base.readStale { try body(CheckedConnection($0, check)) }
        }
    }

    /// Writes to the other database.
    @discardableResult
    package func write<Value: Sendable>(
        _ concurrency: WriteConcurrency,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await checking { check in
            try await self.base.write(concurrency) { try body(CheckedConnection($0, check)) }
        }
    }

    /// Runs a transaction and looks at its statements, also when it fails.
    private func checking<Value>(_ transaction: (PlanCheck) async throws -> Value) async throws -> Value {
        let check = PlanCheck(explain)
        let result: Result<Value, any Error>
        do {
            result = .success(try await transaction(check))
        } catch {
            result = .failure(error)
        }
        for problem in await check.end(on: base) { report(problem) }
        return try result.get()
    }
}

extension SQLDatabase {
    /// The database for what a test does by hand, such as forging a row, which may walk tables.
    package var byHand: any SQLDatabase {
        switch self {
        case let checker as QueryPlanChecker: checker.unchecked
        case let recorder as SQLRecorder: recorder.base.byHand
        default: self
        }
    }
}

/// A connection that remembers the statements that have run.
private final class CheckedConnection: SQLConnection {
    private let base: any SQLConnection
    private let check: PlanCheck
    private var changesSchema = false

    init(_ base: any SQLConnection, _ check: PlanCheck) {
        self.base = base
        self.check = check
    }

    var dialect: SQLDialect { base.dialect }

    func rows(_ query: SQLQuery) throws(Failure) -> [SQLRow] {
        let rows = try base.rows(query)
        remember(query)
        return rows
    }

    func run(_ query: SQLQuery) throws(Failure) -> Int {
        let count = try base.run(query)
        remember(query)
        return count
    }

    func pendingChange(_ name: String) -> (any PendingChange)? {
        let change = base.pendingChange(name)
        return (change as? CheckedChange)?.base ?? change
    }

    func setPendingChange(_ name: String, _ change: any PendingChange) {
        base.setPendingChange(name, CheckedChange(base: change, check: check))
    }

    private func remember(_ query: SQLQuery) {
        switch StatementKind(query) {
        case .schemaChange: changesSchema = true
        case .rows where !changesSchema: check.add(query, dialect)
        case .rows, .other: break
        }
    }
}

/// What is written before a commit, whose statements are remembered too.
private struct CheckedChange: PendingChange {
    let base: any PendingChange
    let check: PlanCheck

    func write(on connection: any SQLConnection) throws(Failure) {
        try base.write(on: CheckedConnection(connection, check))
    }
}

/// What a statement does.
private enum StatementKind {
    /// It reads or changes rows, and so has a plan.
    case rows
    /// It makes, changes or removes tables or indexes.
    case schemaChange
    /// Anything else.
    case other

    init(_ query: SQLQuery) {
        switch query.text.prefix(while: \.isLetter) {
        case "SELECT", "WITH", "INSERT", "UPDATE", "DELETE": self = .rows
        case "CREATE", "ALTER", "DROP": self = .schemaChange
        default: self = .other
        }
    }
}
