package import WitanCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The right of one process to work with a data folder, for as long as the value lives.
///
/// The system takes the lock back when the process ends, however it ends, so there is never a stale one.
package final class DataFolderLock: Sendable {
    private let descriptor: CInt

    /// Locks `witan.lock` in the folder and writes the process's id into it.
    ///
    /// - Throws: `.conflict` naming the folder and the process that has it; `.unavailable` when the file cannot be used.
    package init(folder: String) throws(Failure) {
        let path = folder + "/witan.lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError.last.failure("open", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw SystemError.last.failure("lock", path) }
            let holder = Self.processID(in: descriptor).map { "process \($0)" } ?? "another process"
            throw Failure(
                .conflict,
                "The data folder \(folder) is in use by \(holder): stop that one, or choose another folder."
            )
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
            throw SystemError.last.failure("write", path)
        }
    }

    deinit {
        close(descriptor)
    }

    private static func processID(in descriptor: CInt) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return count > 0 ? Int(String(decoding: bytes[..<count], as: UTF8.self).filter(\.isNumber)) : nil
    }
}
