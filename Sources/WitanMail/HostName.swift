import NIOCore

/// The names and addresses of machines, as texts.
enum HostName {
    /// Whether a text has the form of a host name: labels of letters, digits and inner hyphens (RFC 1123, 2.1).
    static func isValid(_ text: some StringProtocol) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= longest
            && labels.allSatisfy { label in
                (1...longestLabel).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
            }
    }

    /// Whether a byte is an ASCII letter or digit.
    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    /// The address that a text is, of either family; `nil` when it is a name.
    static func address(_ text: String) -> SocketAddress? {
        // A text that is no address is the ordinary case, and no error.
        try? SocketAddress(ipAddress: text, port: 0)
    }

    /// Whether a name or an address is this machine's own, so that what is sent there passes no network.
    static func isLoopback(_ text: String) -> Bool {
        switch address(text) {
        case nil: text.lowercased() == "localhost"
        case .v4?: text.hasPrefix("127.")
        case let address?: address.ipAddress == "::1"
        }
    }

    private static let longest = 253
    private static let longestLabel = 63
}
