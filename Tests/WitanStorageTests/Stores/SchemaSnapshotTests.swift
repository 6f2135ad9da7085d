import Foundation
import Testing
import WitanCore
import WitanEngines
import WitanStorage
import WitanTesting

@Suite("The schema that the migrations make")
struct SchemaSnapshotTests {
    @Test("is the checked-in one, so that no change of it goes unseen", arguments: Engine.available)
    func matchesSnapshot(_ engine: Engine) async throws {
        try await engine.withSchema { database in
            let schema = try await database.byHand.read { try SchemaText.statements(on: $0) }
            let file = try #require(Self.files[engine.name], "the schema of \(engine.name) has no file")
            if ProcessInfo.processInfo.environment["WITAN_UPDATE_SNAPSHOTS"] == "1" {
                try schema.write(to: file, atomically: true, encoding: .utf8)
            }
            let snapshot = try String(contentsOf: file, encoding: .utf8)
            #expect(schema == snapshot, "Look at the change, then run with WITAN_UPDATE_SNAPSHOTS=1.")
        }
    }

    @Test("has the same tables, columns, keys, references and indexes on every engine")
    func isTheSame() async throws {
        var schemas: [(engine: String, lines: [String])] = []
        for engine in Engine.available {
            try await engine.withSchema { database in
                schemas.append((engine.name, try await database.byHand.read { try SchemaText.lines(on: $0) }))
            }
        }
        let first = try #require(schemas.first)
        #expect(first.lines.count > 100)
        for schema in schemas.dropFirst() {
            #expect(schema.lines.difference(from: first.lines).isEmpty, "\(schema.engine) against \(first.engine)")
        }
    }

    /// The snapshots, which a person reads in review and `WITAN_UPDATE_SNAPSHOTS=1` writes anew.
    private static let files = ["SQLite": "schema.sqlite.sql", "PostgreSQL": "schema.postgres.sql"]
        .mapValues { URL(filePath: #filePath).deletingLastPathComponent().appending(path: $0) }
}
