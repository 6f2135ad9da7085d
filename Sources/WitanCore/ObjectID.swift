/// A UUID (RFC 9562), written in lower case.
package struct ObjectID: Sendable, Hashable, Comparable {
    /// The first eight bytes, big-endian.
    package let high: UInt64

    /// The last eight bytes, big-endian.
    package let low: UInt64

    /// Takes the sixteen bytes as two big-endian halves.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads the 36-character form, in either case; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        self.init(text.utf8)
    }

    /// Reads the same of a whole string, in the form in which most ids come.
    package init?(_ text: String) {
        var text = text
        guard let id = text.withUTF8({ ObjectID($0) }) else { return nil }
        self = id
    }

    private init?(_ bytes: some Collection<UInt8>) {
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        var position = 0
        for byte in bytes {
            defer { position += 1 }
            switch position {
            case 8, 13, 18, 23:
                guard byte == UInt8(ascii: "-") else { return nil }
            case 0..<36:
                guard let nibble = Self.nibble(byte) else { return nil }
                if digits < 16 {
                    halves.0 = halves.0 << 4 | nibble
                } else {
                    halves.1 = halves.1 << 4 | nibble
                }
                digits += 1
            default:
                return nil
            }
        }
        guard position == 36 else { return nil }
        self.init(high: halves.0, low: halves.1)
    }

    package static func < (left: ObjectID, right: ObjectID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    private static func nibble(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

extension ObjectID: CustomStringConvertible {
    /// The 36-character form in lower case.
    package var description: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            var at = 0
            for index in 0..<32 {
                if index == 8 || index == 12 || index == 16 || index == 20 {
                    buffer[at] = UInt8(ascii: "-")
                    at += 1
                }
                let half = index < 16 ? high : low
                let nibble = UInt8(truncatingIfNeeded: half >> UInt64(60 - (index % 16) * 4)) & 0xF
                buffer[at] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
                at += 1
            }
            return 36
        }
    }
}
