import Foundation
import WitanCore
import WitanSQLite
import WitanTesting

extension Engine {
    /// SQLite, each database in a temporary folder of its own.
    static let sqlite = Engine(name: "SQLite") {
        let folder = FileManager.default.temporaryDirectory.appending(path: "witan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return Place(
            open: { limits, observer in
                let database = try SQLiteDatabase(
                    path: folder.appending(path: "witan.db").path,
                    limits: limits,
                    observer: observer,
                    time: .system
                )
                return (database, { try await database.close() })
            },
            remove: { try FileManager.default.removeItem(at: folder) }
        )
    }
}

extension TestServer {
    /// Runs a server on an SQLite database of its own.
    static func run(_ options: Options = Options(), _ body: @Sendable (TestServer) async throws -> Void) async throws {
        try await run(on: .sqlite, options, body)
    }
}
