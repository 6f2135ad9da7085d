/// The fields of a form or of a query, in order; names may repeat.
package struct FormFields: Sendable {
    /// All of them.
    package let fields: [(name: String, value: String)]

    /// Takes the fields in their order.
    package init(_ fields: [(name: String, value: String)] = []) {
        self.fields = fields
    }

    /// The first value of a name.
    package subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// The first value of a name without white space around it; nil when nothing is left.
    package func text(_ name: String) -> String? {
        guard let value = self[name] else { return nil }
        let scalars = value.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return nil }
        return String(scalars[first...last])
    }

    /// Every value of a name.
    package func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    /// Whether there is a field of that name.
    package func has(_ name: String) -> Bool { fields.contains { $0.name == name } }

    /// The fields as a query, without the empty ones, with a question mark; nothing when none is left.
    package static func query(_ fields: [(name: String, value: String?)]) -> String {
        let parts = fields.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : "\(encode(name))=\(encode($0))" }
        }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }

    /// Percent-encodes all but unreserved characters (RFC 3986, 2.3).
    package static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}
