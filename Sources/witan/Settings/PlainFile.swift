import SystemPackage

/// Reads small text files.
enum PlainFile {
    /// The text of a file of at most 1 MiB.
    static func read(_ path: String) throws -> String {
        let descriptor = try FileDescriptor.open(FilePath(path), .readOnly)
        return try descriptor.closeAfter {
            var bytes: [UInt8] = []
            while bytes.count <= 1 << 20 {
                let chunk = try [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, count in
                    count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                if chunk.isEmpty { break }
                bytes += chunk
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
