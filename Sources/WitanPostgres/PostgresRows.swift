import CLibPQ
import WitanStorage

/// Reads the rows of a result, whose values are texts.
enum PostgresRows {
    /// All rows, in their order.
    static func read(_ result: OpaquePointer) -> [SQLRow] {
        let columns = PQnfields(result)
        let types = (0..<columns).map { PQftype(result, $0) }
        return (0..<PQntuples(result))
            .map { row in
                SQLRow(values: (0..<columns).map { value(result, row, $0, types[Int($0)]) })
            }
    }

    private static func value(_ result: OpaquePointer, _ row: CInt, _ column: CInt, _ type: Oid) -> SQLValue {
        guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else { return .null }
        let count = Int(PQgetlength(result, row, column))
        return start.withMemoryRebound(to: UInt8.self, capacity: count) { start in
            value(UnsafeBufferPointer(start: start, count: count), type)
        }
    }

    static func value(_ bytes: UnsafeBufferPointer<UInt8>, _ type: Oid) -> SQLValue {
        if type == PostgresType.bytes { return .blob(blob(bytes)) }
        let text = String(decoding: bytes, as: UTF8.self)
        switch type {
        case PostgresType.boolean: return .integer(text == "t" ? 1 : 0)
        case _ where PostgresType.integers.contains(type):
            return Int64(text).map(SQLValue.integer) ?? .text(text)
        case _ where PostgresType.reals.contains(type):
            return Double(text).map(SQLValue.real) ?? .text(text)
        // A sum of integers, whose type has no bounds.
        case PostgresType.numeric:
            return Int64(text).map(SQLValue.integer) ?? Double(text).map(SQLValue.real) ?? .text(text)
        default: return .text(text)
        }
    }

    /// The bytes of `\x` and two hexadecimal digits each, or of the older form that a server may be set to
    /// (https://www.postgresql.org/docs/15/datatype-binary.html).
    private static func blob(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        guard text.count >= 2, text[0] == backslash, text[1] == UInt8(ascii: "x") else { return escapedBlob(text) }
        func digit(_ byte: UInt8) -> UInt8 { byte <= UInt8(ascii: "9") ? byte &- 0x30 : (byte | 0x20) &- 0x57 }
        return stride(from: 2, to: text.count - 1, by: 2).map { digit(text[$0]) << 4 | digit(text[$0 + 1]) }
    }

    /// The bytes as they are, but for `\\` and a backslash with three octal digits.
    private static func escapedBlob(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var blob: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index] == backslash, index + 3 < text.count, text[index + 1] != backslash {
                blob.append(text[(index + 1)...(index + 3)].reduce(0) { $0 &<< 3 | ($1 & 7) })
                index += 4
            } else {
                index += text[index] == backslash ? 2 : 1
                blob.append(text[index - 1])
            }
        }
        return blob
    }

    private static let backslash = UInt8(ascii: "\\")
}
