import WitanCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A database's file, before SQLite opens it.
enum DatabaseFile {
    /// Makes an empty file that only its owner can use, unless there is a file; checks that SQLite can work with it.
    ///
    /// SQLite itself would open a file that it cannot write, and gives the files beside it the same mode.
    static func prepare(at path: String) throws(Failure) {
        try create(at: path)
        var information = stat()
        guard stat(path, &information) == 0 else { throw SystemError.last.failure("open", path) }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw Failure(.unavailable, "\(path) is not a file: choose another path for the database.")
        }
        // The file is not opened to find out: closing it again would drop the locks of a connection to it.
        guard access(path, R_OK | W_OK) == 0 else { throw SystemError.last.failure("write", path) }
        let folder = folder(of: path)
        guard access(folder, R_OK | W_OK | X_OK) == 0 else { throw SystemError.last.failure("write in", folder) }
    }

    /// Makes an empty file of mode 0600, unless there is something of that name.
    private static func create(at path: String) throws(Failure) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
        } else if errno != EEXIST {
            throw SystemError.last.failure("create", path)
        }
    }

    /// The folder that holds a file.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The bytes of a file; 0 when there is none.
    static func size(of path: String) -> Int {
        var information = stat()
        return stat(path, &information) == 0 ? Int(information.st_size) : 0
    }

    /// Waits until a file's content, or a folder's names, are on the disk.
    static func synchronize(_ path: String) throws(Failure) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError.last.failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError.last.failure("write", path) }
    }
}
