/// The quoted-printable encoding of text (RFC 2045, 6.7), which leaves most of a letter readable.
enum QuotedPrintable {
    /// The encoded text: lines of at most 76 bytes, each with CRLF at its end.
    static func encode(_ text: String) -> [UInt8] {
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        if lines.last?.isEmpty == true { lines.removeLast() }
        var output: [UInt8] = []
        for line in lines {
            var column = 0
            for (index, byte) in line.utf8.enumerated() {
                let token = token(for: byte, isLast: index == line.utf8.count - 1)
                // The last column is for the sign that the line goes on.
                if column + token.count >= longestLine {
                    output += Array("=\r\n".utf8)
                    column = 0
                }
                output += token
                column += token.count
            }
            output += Array("\r\n".utf8)
        }
        return output
    }

    private static let longestLine = 76

    /// The byte itself or `=` and two digits; a blank at the end of a line would be lost on the way.
    private static func token(for byte: UInt8, isLast: Bool) -> [UInt8] {
        switch byte {
        case UInt8(ascii: "="): escaped(byte)
        case 0x21...0x7E: [byte]
        case UInt8(ascii: " "), UInt8(ascii: "\t"): isLast ? escaped(byte) : [byte]
        default: escaped(byte)
        }
    }

    private static func escaped(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return [UInt8(ascii: "="), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
    }
}
