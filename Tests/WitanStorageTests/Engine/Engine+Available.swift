import Foundation
import WitanCore
import WitanSQLite
import WitanTesting

extension Engine {
    /// The engines that every storage contract is checked against.
    static let available: [Engine] = [.sqlite]

    /// SQLite, each database in a temporary folder of its own.
    static let sqlite = Engine(name: "SQLite") {
        let folder = try TemporaryFolder()
        return Place(
            open: { limits, observer in
                let database = try SQLiteDatabase(
                    path: folder.path("objects.db"),
                    limits: limits,
                    observer: observer,
                    time: .system
                )
                return (database, { try await database.close() })
            },
            remove: { try folder.remove() }
        )
    }
}

/// A folder that one test has for itself.
struct TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "witan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    func path(_ name: String = "") -> String { url.appending(path: name).path }

    /// What the folder holds, in order.
    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path()).sorted()
    }

    func remove() throws {
        try FileManager.default.removeItem(at: url)
    }

    /// Makes a folder while `body` uses it.
    static func with<Value>(_ body: (TemporaryFolder) async throws -> Value) async throws -> Value {
        let folder = try TemporaryFolder()
        defer {
            // A folder that stays behind in the system's temporary folder harms nobody.
            try? folder.remove()
        }
        return try await body(folder)
    }
}
