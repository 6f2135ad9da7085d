import Synchronization
import WitanCore
package import WitanStorage

/// The look at the statements of one transaction, once it has ended.
package final class PlanCheck: Sendable {
    /// Asks an engine which tables a statement walks that ran on a database.
    ///
    /// `.bug` says that it has no plan, or that nobody could be asked for it; any other error that the test has ended, so
    /// that it was not looked at.
    package typealias Explain = @Sendable (SQLQuery, any SQLDatabase) async throws -> [TableWalk]

    /// What makes a plan another one.
    private struct Known: Hashable {
        let engine: String
        let text: String
        /// A null can decide a condition before anything is read.
        let nulls: [Int]

        init(_ query: SQLQuery, engine: String) {
            self.engine = engine
            // A list is looked at once, whatever its length.
            text = query.text.replacing("?, ", with: "")
            nulls = query.arguments.indices.filter { query.arguments[$0] == .null }
        }
    }

    /// The statements of all tests that were looked at.
    private static let known = Mutex<Set<Known>>([])

    private let explain: Explain?
    private let fresh = Mutex<[(known: Known, query: SQLQuery)]>([])

    /// Takes the engine's answer; nil looks at nothing.
    init(_ explain: Explain?) {
        self.explain = explain
    }

    /// Remembers a statement that nobody has looked at before.
    func add(_ query: SQLQuery, _ dialect: SQLDialect) {
        guard explain != nil else { return }
        let known = Known(query, engine: dialect.name)
        guard Self.known.withLock({ $0.insert(known).inserted }) else { return }
        fresh.withLock { $0.append((known, query)) }
    }

    /// Looks at what was added; a sentence for each walk.
    func end(on database: any SQLDatabase) async -> [String] {
        guard let explain else { return [] }
        var problems: [String] = []
        for (known, query) in fresh.withLock(\.self) {
            do {
                for walk in try await explain(query, database) where !AllowedWalk.permits(walk, of: query) {
                    problems.append(
                        """
                        A statement walks the table \(walk.table) on \(known.engine) (\(walk.step)): give it an index, \
                        write it otherwise, or say in AllowedWalk why it may.
                        \(query.text)
                        """
                    )
                }
            } catch let failure as Failure where failure.code == .bug {
                problems.append("A statement has no plan on \(known.engine): \(failure)\n\(query.text)")
            } catch {
                // The test has closed the database or was cancelled; another one will look at the statement.
                Self.known.withLock { _ = $0.remove(known) }
            }
        }
        return problems
    }
}
