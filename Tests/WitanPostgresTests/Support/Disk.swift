import Foundation
import Testing

/// A small file system that the server's user may write to, for as long as a closure runs.
enum Disk {
    /// Whether the tests may mount at all: as root, and outside of a container that forbids it.
    static func isPermitted() async throws -> Bool {
        guard geteuid() == 0 else { return false }
        let path = "/tmp/witan-disk.\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        defer {
            // What stays behind in the system's temporary folder harms nobody.
            try? FileManager.default.removeItem(atPath: path)
        }
        guard try await Command.attempt(["mount", "-t", "tmpfs", "tmpfs", path]).isSuccess else { return false }
        try await Command.run("umount", path)
        return true
    }

    private static func unmount(_ path: String) async throws {
        // The server's processes may still have files open that are removed already.
        try await Command.run("umount", "--lazy", path)
    }

    /// A disk of so many KiB.
    static func mounted<Result>(
        kibibytes: Int,
        at path: String,
        _ body: (String) async throws -> Result
    ) async throws -> Result {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try await Command.run("mount", "-t", "tmpfs", "-o", "size=\(kibibytes)k,mode=700", "tmpfs", path)
        do {
            try await Command.run("chown", "postgres", path)
            let result = try await body(path)
            try await unmount(path)
            return result
        } catch {
            try await unmount(path)
            throw error
        }
    }
}
