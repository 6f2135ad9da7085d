import Foundation
import Testing

/// A file system mounted on a folder for as long as a closure runs.
enum Mount {
    /// Whether the tests may mount at all: as root, and outside of a container that forbids it.
    static func isPermitted() async throws -> Bool {
        let folder = try TemporaryFolder()
        guard try await Command.attempt("mount", "-t", "tmpfs", "tmpfs", folder.path).isSuccess else {
            return false
        }
        try await Command.run("umount", folder.path)
        return true
    }

    /// A disk of so many KiB.
    static func disk<Result>(kibibytes: Int, at path: String, _ body: () async throws -> Result) async throws -> Result
    {
        try await mounted(["-t", "tmpfs", "-o", "size=\(kibibytes)k,mode=700", "tmpfs"], at: path, body)
    }

    /// What is there already, but read-only.
    static func readOnly<Result>(_ path: String, _ body: () async throws -> Result) async throws -> Result {
        try await mounted(["--bind", "-o", "ro", path], at: path, body)
    }

    private static func mounted<Result>(
        _ options: [String],
        at path: String,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try await Command.run("mount", options + [path])
        do {
            let result = try await body()
            try await Command.run("umount", [path])
            return result
        } catch {
            try await Command.run("umount", [path])
            throw error
        }
    }
}

/// A file that takes what is left of a disk.
struct Ballast {
    private let path: String

    /// Fills the disk but for so many KiB, which are a multiple of its block.
    init(on folder: String, leaving kibibytes: Int = 0) throws {
        path = "\(folder)/ballast"
        let handle = try Self.make(path)
        let block = Data(count: 4_096)
        var written: UInt64 = 0
        // The error is the disk's being full.
        while (try? handle.write(contentsOf: block)) != nil { written += 4_096 }
        try handle.truncate(atOffset: written - UInt64(kibibytes << 10))
        try handle.close()
    }

    private static func make(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(filePath: path))
        return try FileHandle(forWritingTo: URL(filePath: path))
    }

    /// Gives the space back.
    func remove() throws {
        try FileManager.default.removeItem(atPath: path)
    }
}
