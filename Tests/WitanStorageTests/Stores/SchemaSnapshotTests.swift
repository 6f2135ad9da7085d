import Foundation
import Testing
import WitanCore
import WitanStorage
import WitanTesting

@Suite("The schema that the migrations make")
struct SchemaSnapshotTests {
    /// The snapshot, which a person reads in review and `WITAN_UPDATE_SNAPSHOTS=1` writes anew.
    private static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "schema.sqlite.sql")

    @Test("is the checked-in one, so that no change of it goes unseen")
    func matchesSnapshot() async throws {
        try await Engine.sqlite.withDatabase { database in
            try await Migrator().migrate(database, at: Timestamp(seconds: 0))
            let statements = try await database.read { connection in
                try connection.rows(
                    "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name"
                )
                .map { try $0.text(0) }
            }
            let schema = statements.map { "\($0);\n" }.joined(separator: "\n")
            if ProcessInfo.processInfo.environment["WITAN_UPDATE_SNAPSHOTS"] == "1" {
                try schema.write(to: Self.file, atomically: true, encoding: .utf8)
            }
            let snapshot = try String(contentsOf: Self.file, encoding: .utf8)
            #expect(schema == snapshot, "Look at the change, then run with WITAN_UPDATE_SNAPSHOTS=1.")
        }
    }
}
