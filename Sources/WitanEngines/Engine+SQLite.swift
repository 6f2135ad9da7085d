import Foundation
import WitanCore
import WitanSQLite
package import WitanTesting

extension Engine {
    /// SQLite, each database in a temporary folder of its own.
    package static let sqlite = Engine(name: "SQLite", explain: SQLitePlan.explain) {
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
