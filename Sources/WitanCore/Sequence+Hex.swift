extension Sequence where Element == UInt8 {
    /// The bytes as lower-case hexadecimal digits.
    package var hex: String {
        var text = ""
        text.reserveCapacity(underestimatedCount * 2)
        for byte in self {
            text.unicodeScalars.append(Self.digit(byte >> 4))
            text.unicodeScalars.append(Self.digit(byte & 0xF))
        }
        return text
    }

    private static func digit(_ nibble: UInt8) -> Unicode.Scalar {
        Unicode.Scalar(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
    }
}

extension [UInt8] {
    /// Reads hexadecimal digits of either case; `nil` when one is not, or their number is odd.
    package init?(hex text: some StringProtocol) {
        var bytes: [UInt8] = []
        var upper: UInt8?
        for scalar in text.unicodeScalars {
            guard let value = Character(scalar).hexDigitValue, scalar.isASCII else { return nil }
            if let high = upper {
                bytes.append(high << 4 | UInt8(value))
                upper = nil
            } else {
                upper = UInt8(value)
            }
        }
        guard upper == nil else { return nil }
        self = bytes
    }
}
