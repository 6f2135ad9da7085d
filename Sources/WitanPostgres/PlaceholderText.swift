/// Writes `$1`, `$2`, … for each `?` of a statement that stands in no literal, quoted name or comment.
enum PlaceholderText {
    /// The statement with PostgreSQL's placeholders.
    static func numbered(_ text: String) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count + 32)
        var number = 0
        var end: End?
        // Zero where a part begins or ends: its first or last character is no half of another mark.
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "?"), end == nil {
                number += 1
                result += "$\(number)".utf8
                previous = 0
                continue
            }
            result.append(byte)
            if let current = end {
                let isReached = current.isReached(previous, byte)
                if isReached { end = nil }
                previous = isReached ? 0 : byte
            } else {
                end = End(previous, byte)
                previous = end == nil ? byte : 0
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// What ends a part that is copied as it is.
    ///
    /// A doubled quote ends one literal and begins the next.
    private enum End {
        case quote(UInt8)
        case line
        case block

        /// The end of the part that these characters begin; nil when they begin none.
        init?(_ previous: UInt8, _ byte: UInt8) {
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\""): self = .quote(byte)
            case UInt8(ascii: "-") where previous == byte: self = .line
            case UInt8(ascii: "*") where previous == UInt8(ascii: "/"): self = .block
            default: return nil
            }
        }

        func isReached(_ previous: UInt8, _ byte: UInt8) -> Bool {
            switch self {
            case .quote(let quote): byte == quote
            case .line: byte == UInt8(ascii: "\n")
            case .block: byte == UInt8(ascii: "/") && previous == UInt8(ascii: "*")
            }
        }
    }
}
