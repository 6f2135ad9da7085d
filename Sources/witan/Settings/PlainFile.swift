import SystemPackage

/// Reads small text files.
enum PlainFile {
    /// Why a file cannot be read as text.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    private static let longest = 1 << 20

    /// The text of a file of at most 1 MiB.
    static func read(_ path: String) throws -> String {
        let descriptor = try FileDescriptor.open(FilePath(path), .readOnly)
        return try descriptor.closeAfter {
            var bytes: [UInt8] = []
            while bytes.count <= longest {
                let chunk = try [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, count in
                    count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                if chunk.isEmpty { break }
                bytes += chunk
            }
            guard bytes.count <= longest else { throw Refusal(description: "it is larger than 1 MiB") }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Refusal(description: "it is not UTF-8")
            }
            return text
        }
    }
}
