import Foundation
import Testing
import WitanCore
import WitanSQLite

@Suite("One process works with a data folder")
struct DataFolderLockTests {
    @Test("a second lock is refused with the folder's name and the holder's process id, until the first is gone")
    func refusesSecond() async throws {
        try await TemporaryFolder.with { folder in
            let first = try DataFolderLock(folder: folder.path())
            // More often than a process may have files open, which shows that a refusal leaves none open.
            for _ in 0..<2_000 {
                let failure = #expect(throws: Failure.self) { try DataFolderLock(folder: folder.path()) }
                #expect(failure?.code == .conflict)
                #expect(failure?.message.contains("\(folder.path()) is in use by process \(getpid())") == true)
            }
            withExtendedLifetime(first) {}
        }
    }

    @Test("the lock is free again when its holder is gone")
    func isReleased() async throws {
        try await TemporaryFolder.with { folder in
            for _ in 0..<3 { _ = try DataFolderLock(folder: folder.path()) }
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("witan.lock"))
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
    }

    @Test("two folders have two locks")
    func isPerFolder() async throws {
        try await TemporaryFolder.with { one in
            try await TemporaryFolder.with { other in
                let locks = [try DataFolderLock(folder: one.path()), try DataFolderLock(folder: other.path())]
                #expect(locks.count == 2)
            }
        }
    }

    @Test("a folder that is not there is refused with a sentence")
    func needsFolder() {
        let failure = #expect(throws: Failure.self) { try DataFolderLock(folder: "/nowhere") }
        #expect(failure?.code == .unavailable)
        #expect(failure?.message.contains("make its folder first") == true)
    }
}
