import WitanCore

extension FormFields {
    /// A text to look for or to filter by, no longer than each link of the page may repeat; nil when nothing is left, or it
    /// holds U+0000.
    func sought(_ name: String) -> String? {
        guard let text = text(name), !text.unicodeScalars.contains("\0") else { return nil }
        var bytes = 0
        let beginning = text.unicodeScalars.prefix { scalar in
            let isPlain = scalar.isASCII && PercentEncoding.isUnreserved(UInt8(scalar.value))
            bytes += isPlain ? 1 : 3 * UTF8.width(scalar)
            return bytes <= 1_024
        }
        return String(beginning)
    }
}
