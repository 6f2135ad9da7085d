import Foundation

/// A folder that is there as long as the value is.
final class TemporaryFolder: Sendable {
    let path: String

    /// Makes an empty folder.
    init() throws {
        path = NSTemporaryDirectory() + "witan-process-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        // What cannot be removed is the system's to clean up.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// A data folder in it, which is not there yet.
    var data: String { path("data") }

    /// The path of something in it.
    func path(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and gives its path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
        return path(name)
    }
}

/// What stands in a file, as text.
func text(of path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
}

/// The names in a folder, sorted.
func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

/// Who may do what with a file, as in `chmod`.
func mode(of path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
}
