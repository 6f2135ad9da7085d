/// Puts replies together from bytes, one at a time, so that it doesn't matter how they were split on the way.
///
/// It is strict: three digits of the ranges in RFC 5321, 4.2, the same in each line; a blank, a hyphen or nothing after
/// them; CRLF at the end of each line and nowhere else; and no more lines or bytes than the limits grant.
struct SMTPReplyParser {
    /// Why bytes are no reply, as the end of a sentence about the server.
    struct Refusal: Error, Hashable {
        let clause: String
    }

    private let limits: SMTPLimits
    private var line: [UInt8] = []
    private var hasCarriageReturn = false
    private var code: Int?
    private var lines: [String] = []

    init(limits: SMTPLimits) {
        self.limits = limits
    }

    /// Takes the next byte; the reply when it is its last.
    mutating func consume(_ byte: UInt8) throws(Refusal) -> SMTPReply? {
        switch (byte, hasCarriageReturn) {
        case (UInt8(ascii: "\n"), true):
            hasCarriageReturn = false
            return try finishLine()
        case (UInt8(ascii: "\r"), false):
            hasCarriageReturn = true
        case (UInt8(ascii: "\r"), _), (UInt8(ascii: "\n"), _), (_, true):
            throw Refusal(clause: "ended a line of its answer otherwise than SMTP requires")
        default:
            guard line.count < limits.replyLineBytes else {
                throw Refusal(clause: "answered with a line of more than \(limits.replyLineBytes) bytes")
            }
            line.append(byte)
        }
        return nil
    }

    private mutating func finishLine() throws(Refusal) -> SMTPReply? {
        let digits = line.prefix(3).map { Int($0) - Int(UInt8(ascii: "0")) }
        let separator = line.dropFirst(3).first
        guard digits.count == 3, (2...5).contains(digits[0]), (0...5).contains(digits[1]), (0...9).contains(digits[2]),
            [nil, UInt8(ascii: " "), UInt8(ascii: "-")].contains(separator)
        else { throw Refusal(clause: "gave an answer that is not SMTP") }
        let lineCode = digits[0] * 100 + digits[1] * 10 + digits[2]
        guard code == nil || code == lineCode else { throw Refusal(clause: "gave an answer with two codes") }
        guard lines.count < limits.replyLines else {
            throw Refusal(clause: "answered with more than \(limits.replyLines) lines")
        }
        lines.append(String(decoding: line.dropFirst(4), as: UTF8.self))
        line.removeAll(keepingCapacity: true)
        guard separator != UInt8(ascii: "-") else {
            code = lineCode
            return nil
        }
        defer { (code, lines) = (nil, []) }
        return SMTPReply(code: lineCode, lines: lines)
    }
}
