package import WitanCore

/// The parameters of a request's query, decoded (application/x-www-form-urlencoded of the URL Standard).
package enum QueryString {
    /// The parameters in their order.
    ///
    /// - Throws: `.invalidRequest` for a percent sign without two hexadecimal digits, or bytes that are not UTF-8.
    package static func parse(_ query: some StringProtocol) throws(Failure) -> [(name: String, value: String)] {
        var parameters: [(name: String, value: String)] = []
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let split = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            let name = try decode(pair[..<split])
            let value = split == pair.endIndex ? "" : try decode(pair[pair.index(after: split)...])
            parameters.append((name, value))
        }
        return parameters
    }

    /// A segment of a path, decoded (RFC 3986, 2.1): there a plus sign is one.
    package static func decodePath(_ segment: some StringProtocol) throws(Failure) -> String {
        try decode(segment.utf8, plusIsSpace: false)
    }

    private static func decode(_ text: some Sequence<UInt8>, plusIsSpace: Bool = true) throws(Failure) -> String {
        var bytes: [UInt8] = []
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "+") where plusIsSpace:
                bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    throw Failure(.invalidRequest, "The query has a percent sign without two hexadecimal digits.")
                }
                bytes.append(high << 4 | low)
            default:
                bytes.append(byte)
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.invalidRequest, "The query is not UTF-8 after its percent signs are decoded.")
        }
        return text
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
