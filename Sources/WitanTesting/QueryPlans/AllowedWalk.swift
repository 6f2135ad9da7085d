package import WitanStorage

/// A walk over a table that no index could spare, or that is not worth one.
package struct AllowedWalk: Sendable {
    /// The table.
    package let table: String

    /// What the statement begins with, or the whole of it when it ends with a semicolon; empty for any statement.
    package let statement: String

    /// Why it may be.
    package let reason: String

    private init(_ table: String, in statement: String = "", because reason: String) {
        self.table = table
        self.statement = statement
        self.reason = reason
    }

    /// Whether a walk of a statement is one that may be.
    package static func permits(_ walk: TableWalk, of query: SQLQuery) -> Bool {
        all.contains { $0.table == walk.table && "\(query.text);".hasPrefix($0.statement) }
    }

    /// Every one that there is.
    package static let all =
        small + peppers + endedPepper + copying
        + ["organizations", "groups", "roles", "projects"]
        .map { table in
            AllowedWalk(
                table,
                in: "SELECT t.id, t.org_id FROM organizations AS o CROSS JOIN ",
                because: "`witan explain` looks for a name in each organization"
            )
        }

    private static let small = [
        AllowedWalk("schema_migrations", because: "it has a row for each step of the schema"),
        AllowedWalk("peppers", because: "it has a row for each pepper, seldom more than two"),
        AllowedWalk("cluster_clock", because: "it has one row"),
        AllowedWalk("cluster_nodes", because: "it has a row for each server"),
        AllowedWalk("audit_chains", because: "it has a row for each transaction that there ever were at once"),
        AllowedWalk("copy_progress", because: "it has a row for each table"),
    ]

    private static let peppers = ["api_keys", "service_tokens"]
        .flatMap { table in
            ["SELECT COUNT(*) FROM \(table) WHERE pepper_version = ?;", "DELETE FROM peppers WHERE version = ?;"]
                .map { statement in
                    AllowedWalk(
                        table,
                        in: statement,
                        because: "who looks after peppers is a command; an index would cost each new key more than it"
                    )
                }
        }

    private static let endedPepper = [
        "DELETE FROM sessions WHERE pepper_version = ?;", "DELETE FROM peppers WHERE version = ?;",
    ]
    .map { statement in
        AllowedWalk("sessions", in: statement, because: "peppers are removed by a command; sessions last half a day")
    }

    private static let copying = CopiedTable.all.flatMap { table in
        ["SELECT COUNT(*) FROM \"\(table.name)\";"]
            .map {
                AllowedWalk(table.name, in: $0, because: "a copy reads everything, and says first how much that is")
            }
            + (table.isFilledByMigrations ? ["DELETE FROM \"\(table.name)\";"] : [])
            .map {
                AllowedWalk(table.name, in: $0, because: "a copy puts its rows in the place of those of the migrations")
            }
    }
}
