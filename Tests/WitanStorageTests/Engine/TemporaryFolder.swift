import Foundation

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
