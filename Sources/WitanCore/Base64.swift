/// Base64 with the plain alphabet and with padding (RFC 4648, section 4).
package enum Base64 {
    /// The text of the bytes.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        let digits = Base64URL.encode(bytes).utf8
            .map { digit in
                switch digit {
                case UInt8(ascii: "-"): UInt8(ascii: "+")
                case UInt8(ascii: "_"): UInt8(ascii: "/")
                default: digit
                }
            }
        return String(decoding: digits, as: UTF8.self) + String(repeating: "=", count: (4 - digits.count % 4) % 4)
    }

    /// The bytes of the text; `nil` for anything but the one text that `encode` gives for them.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count.isMultiple(of: 4) else { return nil }
        let padding = text.utf8.suffix(2).count { $0 == UInt8(ascii: "=") }
        let digits = text.utf8.dropLast(padding)
            .map { digit in
                switch digit {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                // The other alphabet's own two must stay outside this one.
                case UInt8(ascii: "-"), UInt8(ascii: "_"): UInt8(ascii: "=")
                default: digit
                }
            }
        return Base64URL.decode(digits)
    }
}
