import WitanCore
import WitanStorage
package import WitanTesting

/// How SQLite is going to run a statement (https://www.sqlite.org/eqp.html).
package struct SQLitePlan {
    /// A line of the plan.
    package struct Step: Sendable {
        /// The line that it is a part of; 0 for those of the statement itself.
        package let parent: Int64

        /// What is done, such as `SEARCH k USING INDEX api_keys_by_owner (user_id=?)`.
        package let detail: String

        /// Takes a line.
        package init(parent: Int64 = 0, _ detail: String) {
            self.parent = parent
            self.detail = detail
        }
    }

    /// Asks the database that a statement ran on for its plan, which no row in it changes, and finds the walks.
    package static let explain: PlanCheck.Explain = { query, database in
        try await database.read { connection in
            let steps = try connection.rows("EXPLAIN QUERY PLAN \(query)")
                .map { row in Step(parent: try row.integer(1), try row.text(3)) }
            let tables = try connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
                .map { row in try row.text(0) }
            return SQLitePlan(steps, of: query.text, tables: Set(tables)).walks
        }
    }

    private let steps: [Step]
    private let words: StatementWords
    private let tables: Set<String>

    /// Takes the plan, the statement, and the tables of the database.
    package init(_ steps: [Step], of statement: String, tables: Set<String>) {
        self.steps = steps
        self.tables = tables
        words = StatementWords(statement)
    }

    /// The tables that are read from one end to the other.
    ///
    /// SQLite tells nothing of conditions that it checks row by row, so a walk in an order that a LIMIT ends counts as
    /// one unless the statement has no conditions at all. An index that is made for the time of the statement counts too.
    package var walks: [TableWalk] {
        steps.compactMap { step in
            let words = step.detail.split(separator: " ")
            guard words.count > 1, !step.detail.contains(" VIRTUAL TABLE "), let table = table(String(words[1])) else {
                return nil
            }
            switch words[0] {
            case "SCAN": return isCutShort(step) ? nil : TableWalk(table, step.detail)
            case "SEARCH": return Self.findsRows(step) ? nil : TableWalk(table, step.detail)
            default: return nil
            }
        }
    }

    /// The table that a plan calls so: by its name or by an alias; nil for what is not stored.
    private func table(_ name: String) -> String? {
        if let sources = words.sources[name] {
            let stored = sources.intersection(tables)
            return stored.isEmpty ? nil : stored.sorted().joined(separator: " or ")
        }
        // A table that the statement does not name is looked at for a foreign key. An INSERT can break none of other
        // tables, so there SQLite skips that part of its plan.
        if tables.contains(name) { return words.isInsertion ? nil : name }
        // A subquery, such as `(subquery-2)`, and `SCAN 3 CONSTANT ROWS` for a list of values.
        return name.hasPrefix("(") || name == "CONSTANT" || name.allSatisfy(\.isNumber) ? nil : name
    }

    /// Whether a search begins where a condition says.
    ///
    /// For MIN and MAX SQLite also says SEARCH when it reads everything.
    private static func findsRows(_ step: Step) -> Bool {
        step.detail.contains("(") && !step.detail.contains("(ANY(") && !step.detail.contains(" AUTOMATIC ")
    }

    /// Whether the walk ends at a LIMIT, with each row that it reads being one of the result.
    private func isCutShort(_ step: Step) -> Bool {
        let outermost = steps.filter { $0.parent == 0 }.map(\.detail)
        let loops = outermost.filter { $0.hasPrefix("SCAN ") || $0.hasPrefix("SEARCH ") }
        return step.parent == 0 && loops.first == step.detail
            && loops.dropFirst().allSatisfy { $0.hasSuffix(" LEFT-JOIN") }
            && !outermost.contains { $0.hasPrefix("USE TEMP B-TREE") }
            && words.outermost.contains("LIMIT") && words.outermost.isDisjoint(with: ["WHERE", "GROUP", "HAVING"])
    }
}
