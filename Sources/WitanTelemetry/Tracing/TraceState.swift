/// The grammar of the `tracestate` header (W3C Trace Context, level 1, section 3.3.1).
enum TraceState {
    private static let longestHeader = 512
    private static let mostMembers = 32

    /// Whether the header has members only of the right form, each key once, and is short enough to be passed on.
    static func isValid(_ header: String) -> Bool {
        guard header.utf8.count <= longestHeader else { return false }
        var keys: Set<Substring> = []
        for part in header.split(separator: ",", omittingEmptySubsequences: true) {
            let member = trimmed(part)
            // Empty members are allowed.
            guard !member.isEmpty else { continue }
            guard let equals = member.firstIndex(of: "=") else { return false }
            let key = member[..<equals]
            guard isKey(key), isValue(member[member.index(after: equals)...]), keys.insert(key).inserted else {
                return false
            }
        }
        return (1...mostMembers).contains(keys.count)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text.drop { $0 == " " || $0 == "\t" }
    }

    /// `vendor` or `tenant@vendor`.
    private static func isKey(_ key: Substring) -> Bool {
        let parts = key.split(separator: "@", omittingEmptySubsequences: false)
        return switch parts.count {
        case 1: isIdentifier(parts[0], length: 1...256, digitFirst: false)
        case 2:
            isIdentifier(parts[0], length: 1...241, digitFirst: true)
                && isIdentifier(parts[1], length: 1...14, digitFirst: false)
        default: false
        }
    }

    private static func isIdentifier(_ text: Substring, length: ClosedRange<Int>, digitFirst: Bool) -> Bool {
        guard length.contains(text.utf8.count), let first = text.utf8.first else { return false }
        let isFirstDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        let isFirstLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
        return (isFirstLetter || (digitFirst && isFirstDigit))
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"): true
                default: false
                }
            }
    }

    /// 1 to 256 printable characters without comma and equals sign; the last is not a space, for those are trimmed.
    private static func isValue(_ value: Substring) -> Bool {
        (1...256).contains(value.utf8.count)
            && value.utf8.allSatisfy {
                (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=")
            }
    }
}
