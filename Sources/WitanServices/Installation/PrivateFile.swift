package import WitanCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A small file that only its owner may read, replaced as a whole or not at all.
package struct PrivateFile: Sendable {
    /// Its path.
    package let path: String

    /// What the file is, for error sentences: "the secrets file".
    private let what: String

    /// Names a file.
    package init(path: String, what: String) {
        self.path = path
        self.what = what
    }

    /// The file's text; nil when there is no such file.
    ///
    /// - Throws: `.invalidRequest` when it cannot be read, is larger than 64 KiB or is not UTF-8.
    package func read() throws(Failure) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw refusal("cannot be read", errno)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = readBytes(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw refusal("cannot be read", errno) }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= 64 << 10 else {
                throw Failure(.invalidRequest, "\(what) \(path) is larger than 64 KiB; it is some other file.")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.invalidRequest, "\(what) \(path) is not UTF-8; restore it from a backup.")
        }
        return text
    }

    /// Whether others than the owner may read it.
    package var isReadableByOthers: Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o077 != 0
    }

    /// Writes the text to a new file of mode 0600 and, once it is durable, puts that in place.
    ///
    /// Of several processes that make the file at the same time one does, and no reader ever sees a part of it.
    ///
    /// - Throws: `.conflict` when the file exists and may not be replaced; `.unavailable` when it cannot be written.
    package func write(_ text: String, replacing: Bool) throws(Failure) {
        if !replacing, access(path, F_OK) == 0 { throw existing }
        // A name of its own for each writer, and a file that nobody else can have made.
        var name = Array("\(path).XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else { throw refusal("cannot be written", errno) }
        defer { unlink(name) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { writeBytes(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                let code = errno
                close(descriptor)
                throw refusal("cannot be written", code)
            }
            rest = rest.dropFirst(count)
        }
        let isDurable = fsync(descriptor) == 0
        let code = errno
        close(descriptor)
        guard isDurable else { throw refusal("cannot be written", code) }
        guard replacing ? rename(name, path) == 0 : move(name) else {
            throw errno == EEXIST ? existing : refusal("cannot be written", errno)
        }
        syncFolder()
    }

    /// Gives a file its name here, unless there is one of that name.
    private func move(_ name: [CChar]) -> Bool {
        if link(name, path) == 0 { return true }
        // Some file systems know no second name of a file; there the look above is all that there is.
        return errno != EEXIST && rename(name, path) == 0
    }

    private var existing: Failure {
        Failure(.conflict, "\(what) \(path) exists already; it was left as it is.")
    }

    /// Makes the new name itself durable; a file system that cannot do that for folders does it in its own time.
    private func syncFolder() {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private func refusal(_ problem: String, _ code: Int32) -> Failure {
        Failure(.unavailable, "\(what) \(path) \(problem): \(String(cString: strerror(code))).")
    }
}

// The C functions, under names that the methods above do not hide.
private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

private func writeBytes(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, buffer, count)
}
