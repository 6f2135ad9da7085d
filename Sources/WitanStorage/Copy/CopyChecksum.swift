/// A hash of what was added to it, in order; SHA-256 wherever it is more than a test.
package protocol CopyChecksum {
    /// Adds bytes at the end.
    mutating func update(_ bytes: [UInt8])

    /// The hash of all that was added.
    func digest() -> [UInt8]
}

extension CopyChecksum {
    /// Adds rows: the values of each, one after another.
    mutating func update(_ rows: [SQLRow]) {
        var encoding = ValueEncoding()
        for row in rows {
            for value in row.values { encoding.add(value) }
        }
        update(encoding.bytes)
    }
}
