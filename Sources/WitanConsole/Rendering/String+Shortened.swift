extension String {
    /// The beginning of a text for a row of many: at most so many characters, and twice as many bytes in a page.
    ///
    /// What people wrote may be all quotation marks, of which each is six bytes there.
    func shortened(to characters: Int) -> String {
        var (count, bytes) = (0, 0)
        var end = unicodeScalars.startIndex
        for index in unicodeScalars.indices {
            count += 1
            bytes += unicodeScalars[index].escapedBytes
            guard count <= characters, bytes <= 2 * characters else {
                return String(unicodeScalars[..<end]) + "…"
            }
            end = unicodeScalars.index(after: index)
        }
        return self
    }
}

extension Unicode.Scalar {
    /// How many bytes it takes in a page.
    fileprivate var escapedBytes: Int {
        switch self {
        case "\"": 6
        case "&", "'": 5
        case "<", ">": 4
        default: UTF8.width(self)
        }
    }
}
