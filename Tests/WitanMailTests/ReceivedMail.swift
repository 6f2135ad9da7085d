import Foundation

/// A message as its reader sees it, taken apart by other means than it was put together with.
struct ReceivedMail {
    /// The header lines, unfolded: name and body.
    let headers: [(name: String, body: String)]

    /// The decoded text.
    let text: String

    /// Reads a message whose lines end in CRLF; `nil` when it has no end of the headers, or is not ASCII.
    init?(_ bytes: [UInt8]) {
        guard let source = String(bytes: bytes, encoding: .ascii), let end = source.range(of: "\r\n\r\n") else {
            return nil
        }
        headers = source[..<end.lowerBound].replacingOccurrences(of: "\r\n ", with: " ").components(separatedBy: "\r\n")
            .map { line in
                let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                return (parts[0], (parts.count > 1 ? parts[1] : "").trimmingCharacters(in: .whitespaces))
            }
        text = Self.quotedPrintable(String(source[end.upperBound...]))
    }

    /// The body of a header, its encoded words decoded.
    subscript(name: String) -> String? {
        headers.first { $0.name == name }.map { Self.decoded($0.body) }
    }

    /// The one name and address in a header.
    func mailbox(_ name: String) -> (name: String, address: String)? {
        guard let body = headers.first(where: { $0.name == name })?.body else { return nil }
        var shown = ""
        var rest = body[...]
        if rest.popFirst() == "\"" {
            while let character = rest.popFirst(), character != "\"" {
                guard character == "\\" else {
                    shown.append(character)
                    continue
                }
                if let escaped = rest.popFirst() { shown.append(escaped) }
            }
        } else {
            shown = Self.decoded(String(body.prefix { $0 != "<" })).trimmingCharacters(in: .whitespaces)
            rest = body.drop { $0 != "<" }
        }
        guard body.contains("<") else { return ("", body) }
        return (shown, rest.trimmingCharacters(in: CharacterSet(charactersIn: " <>")))
    }

    private static func decoded(_ body: String) -> String {
        let joined = body.replacingOccurrences(of: "?= =?utf-8?B?", with: "|")
        guard let start = joined.range(of: "=?utf-8?B?"),
            let end = joined.range(of: "?=", range: start.upperBound..<joined.endIndex)
        else { return body }
        // Each word must be whole: the text of one is decoded without its neighbours.
        let words = joined[start.upperBound..<end.lowerBound].components(separatedBy: "|")
            .map { word in Data(base64Encoded: word).flatMap { String(data: $0, encoding: .utf8) } ?? "(broken)" }
        return joined[..<start.lowerBound] + words.joined() + joined[end.upperBound...]
    }

    private static func quotedPrintable(_ source: String) -> String {
        let lines = source.replacingOccurrences(of: "=\r\n", with: "")
        var bytes: [UInt8] = []
        var rest = Array(lines.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "=") {
                bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
