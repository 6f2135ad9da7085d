package import WitanCore

/// What kind of key a text is; the raw value is the prefix that says so.
package enum SecretKind: String, Sendable, CaseIterable {
    case apiKey = "sk-"
    case serviceToken = "bt-st-"
    /// A person's session in a browser, which is no credential for the API.
    case session = "wst-"
}

/// The text of an API key or a service token (design: key service, section 3).
///
/// After the prefix come 36 random base62 digits, a marker that tells secret scanners whose key it is, and six base62
/// digits of the CRC-32 of everything before them. The check turns typing errors away without a look-up and is no
/// defence. Base62 is `0` to `9`, `A` to `Z`, `a` to `z`, most significant digit first.
package struct Secret: Sendable, Concealed {
    /// What kind of key this is.
    package let kind: SecretKind

    private let text: String

    /// Makes a new key with 214 random bits.
    package static func generate(_ kind: SecretKind, using random: inout RandomSource) -> Secret {
        var bytes = Array(kind.rawValue.utf8)
        bytes.append(contentsOf: Base62.randomDigits(Layout.randomDigits, using: &random))
        bytes.append(contentsOf: Layout.marker)
        bytes.append(contentsOf: Base62.digits(of: CRC32.checksum(of: bytes), count: Layout.checkDigits))
        return Secret(kind: kind, text: String(decoding: bytes, as: UTF8.self))
    }

    /// Takes a key that somebody sent; `nil` unless prefix, length, alphabet, marker and check are right.
    package init?(parsing text: some StringProtocol) {
        let bytes = text.utf8
        guard let kind = SecretKind.allCases.first(where: { bytes.starts(with: $0.rawValue.utf8) }) else { return nil }
        let prefix = kind.rawValue.utf8.count
        let body = bytes.dropFirst(prefix)
        guard bytes.count == prefix + Layout.bodyDigits,
            body.allSatisfy(Base62.contains),
            body.dropFirst(Layout.randomDigits).starts(with: Layout.marker),
            bytes.suffix(Layout.checkDigits)
                .elementsEqual(
                    Base62.digits(
                        of: CRC32.checksum(of: bytes.dropLast(Layout.checkDigits)),
                        count: Layout.checkDigits
                    )
                )
        else { return nil }
        self.init(kind: kind, text: String(text))
    }

    private init(kind: SecretKind, text: String) {
        self.kind = kind
        self.text = text
    }

    /// The whole key: for the one answer that shows it, and for nothing else.
    package func reveal() -> String { text }

    /// What may be shown and stored: the prefix, `****` and the last four characters.
    package var preview: String { "\(kind.rawValue)****\(text.suffix(4))" }

    /// The SHA-256 of the key, by which it is looked up.
    package var digest: CredentialDigest { CredentialDigest(of: text) }

    /// The same as `preview`.
    package var description: String { preview }

    private enum Layout {
        static let randomDigits = 36
        static let marker = Array("WiTaN1".utf8)
        static let checkDigits = 6
        static let bodyDigits = randomDigits + marker.count + checkDigits
    }
}

private enum Base62 {
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    static func contains(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    /// Six bits at a time; the two values that have no digit are thrown away, so that all digits are equally likely.
    static func randomDigits(_ count: Int, using random: inout RandomSource) -> [UInt8] {
        var digits: [UInt8] = []
        digits.reserveCapacity(count)
        while digits.count < count {
            let word = random.next()
            for shift in stride(from: UInt64(0), to: 60, by: 6) where digits.count < count {
                let value = Int(word >> shift & 0x3F)
                if value < alphabet.count { digits.append(alphabet[value]) }
            }
        }
        return digits
    }

    /// Most significant digit first, with leading zeros.
    static func digits(of value: UInt32, count: Int) -> [UInt8] {
        var digits = [UInt8](repeating: alphabet[0], count: count)
        var rest = Int(value)
        for place in digits.indices.reversed() {
            digits[place] = alphabet[rest % alphabet.count]
            rest /= alphabet.count
        }
        return digits
    }
}
