import Foundation
package import WitanCore
package import WitanTesting

/// How PostgreSQL is going to run a statement (https://www.postgresql.org/docs/15/using-explain.html).
package struct PostgresPlan {
    /// A node of the plan, with the members that tell of walks.
    fileprivate struct Node: Decodable {
        let type: String
        let table: String?
        let index: String?
        let indexCondition: String?
        let filter: String?
        let joinFilter: String?
        let joinType: String?
        let relationship: String?
        let parts: [Node]?

        private enum CodingKeys: String, CodingKey {
            case type = "Node Type"
            case table = "Relation Name"
            case index = "Index Name"
            case indexCondition = "Index Cond"
            case filter = "Filter"
            case joinFilter = "Join Filter"
            case joinType = "Join Type"
            case relationship = "Parent Relationship"
            case parts = "Plans"
        }
    }

    private struct Statement: Decodable {
        let plan: Node

        private enum CodingKeys: String, CodingKey {
            case plan = "Plan"
        }
    }

    private let root: Node

    /// Reads what EXPLAIN has answered.
    ///
    /// - Throws: `.bug` when that is no plan.
    package init(_ json: String) throws(Failure) {
        do {
            guard let statement = try JSONDecoder().decode([Statement].self, from: Data(json.utf8)).first else {
                throw Failure.bug("EXPLAIN has answered nothing")
            }
            root = statement.plan
        } catch {
            throw .bug("EXPLAIN has answered something else than a plan", underlying: error)
        }
    }

    /// The indexes that are read.
    package var indexes: [String] { Self.indexes(root) }

    private static func indexes(_ node: Node) -> [String] {
        [node.index].compactMap { $0 } + (node.parts ?? []).flatMap(indexes)
    }

    /// The tables that are read from one end to the other, given what each index is ordered by first.
    ///
    /// A condition on another column than the first one of an index makes PostgreSQL read the whole index.
    package func walks(firstColumns: [String: String]) -> [TableWalk] {
        walks(root, table: nil, isCutShort: false, firstColumns)
    }

    /// `isCutShort` tells that each row of the node is one of a result that a LIMIT ends.
    private func walks(
        _ node: Node,
        table: String?,
        isCutShort: Bool,
        _ firstColumns: [String: String]
    ) -> [TableWalk] {
        let table = node.table ?? table
        var walks: [TableWalk] = []
        // Only tables of the catalog have names that begin so.
        if let table, !table.hasPrefix("pg_"), Self.readsEverything(node, firstColumns),
            !(isCutShort && node.filter == nil)
        {
            walks.append(TableWalk(table, [node.type, node.index].compactMap { $0 }.joined(separator: " using ")))
        }
        for part in node.parts ?? [] {
            walks += self.walks(
                part,
                table: table,
                isCutShort: Self.endsEarly(part, in: node, isCutShort),
                firstColumns
            )
        }
        return walks
    }

    private static func readsEverything(_ node: Node, _ firstColumns: [String: String]) -> Bool {
        switch node.type {
        case "Seq Scan", "Sample Scan", "Tid Range Scan": true
        case "Index Scan", "Index Only Scan", "Bitmap Index Scan": !finds(node, firstColumns)
        default: false
        }
    }

    /// Whether an index is entered where a condition on its first column says.
    private static func finds(_ node: Node, _ firstColumns: [String: String]) -> Bool {
        guard let index = node.index, let first = firstColumns[index], let condition = node.indexCondition else {
            return false
        }
        // What is quoted is a value; MIN and MAX pass over nulls, and else begin at one end.
        let conditions = condition.replacing(/'(?:[^']|'')*'/, with: "''").replacing(/\w+ IS NOT NULL/, with: "")
        // A column of another table has that table's name before it.
        return conditions.matches(of: /[\w.]+/).contains { $0.output == first }
    }

    /// Whether the walk of a part ends with the LIMIT that ends its node's, or that its node is.
    private static func endsEarly(_ part: Node, in node: Node, _ isCutShort: Bool) -> Bool {
        guard part.relationship == "Outer" || part.relationship == "Subquery" || part.relationship == "Member" else {
            return false
        }
        return switch node.type {
        case "Limit": true
        case "LockRows", "Result", "Subquery Scan", "Append", "Merge Append": isCutShort && node.filter == nil
        case "Nested Loop": isCutShort && node.joinType == "Left" && node.filter == nil
        default: false
        }
    }
}
