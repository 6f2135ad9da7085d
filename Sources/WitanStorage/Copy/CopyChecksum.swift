/// A hash of what was added to it, in order; SHA-256 wherever it is more than a test.
package protocol CopyChecksum {
    /// Adds bytes at the end.
    mutating func update(_ bytes: [UInt8])

    /// The hash of all that was added.
    func digest() -> [UInt8]
}

extension CopyChecksum {
    /// Adds rows: each value with its kind and length, so that no two lists of values give the same bytes.
    ///
    /// Texts go in as their bytes, since texts that Swift calls equal may differ in them.
    mutating func update(_ rows: [SQLRow]) {
        var bytes: [UInt8] = []
        for row in rows {
            for value in row.values { Self.append(value, to: &bytes) }
        }
        update(bytes)
    }

    private static func append(_ value: SQLValue, to bytes: inout [UInt8]) {
        switch value {
        case .null: append(kind: 0, [], to: &bytes)
        case .integer(let integer): withUnsafeBytes(of: integer.bigEndian) { append(kind: 1, $0, to: &bytes) }
        case .real(let real): withUnsafeBytes(of: real.bitPattern.bigEndian) { append(kind: 2, $0, to: &bytes) }
        case .text(let text): append(kind: 3, text.utf8, to: &bytes)
        case .blob(let blob): append(kind: 4, blob, to: &bytes)
        }
    }

    private static func append(kind: UInt8, _ content: some Collection<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(kind)
        withUnsafeBytes(of: UInt64(content.count).bigEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: content)
    }
}
