package import WitanCore

/// The proxies whose word about their clients' addresses is taken (design: key service, section 5).
package struct TrustedProxies: Sendable {
    private let blocks: [AddressBlock]

    /// Trusts nobody.
    package init() {
        blocks = []
    }

    /// Reads addresses and address blocks.
    package init(parsing texts: [String]) throws(Failure) {
        var blocks: [AddressBlock] = []
        for text in texts {
            blocks.append(try AddressBlock(parsing: text))
        }
        self.blocks = blocks
    }

    /// The address of the client behind `peer`, in its canonical form.
    ///
    /// `forwardedFor` has the request's `X-Forwarded-For` lines in their order. Each proxy appends whom it was called by,
    /// so they are read from the right, as long as the one who wrote an element is trusted. What is no address, and all
    /// to the left of it, is nobody's word. A peer that is not an address (a Unix socket) is returned as it is.
    package func clientAddress(peer: String, forwardedFor: [String]) -> String {
        guard var client = IPAddress(peer) else { return peer }
        let elements = forwardedFor.reversed().lazy.flatMap { $0.split(separator: ",").reversed() }
        for element in elements where isTrusted(client) {
            guard !element.allSatisfy(\.isWhitespace) else { continue }
            guard let next = Self.address(in: element) else { break }
            client = next
        }
        return client.description
    }

    private func isTrusted(_ address: IPAddress) -> Bool {
        blocks.contains { $0.contains(address) }
    }

    /// Reads `192.0.2.1`, `2001:db8::1`, and either with a port: `192.0.2.1:80`, `[2001:db8::1]:80`.
    private static func address(in element: Substring) -> IPAddress? {
        let element = element.drop(while: \.isWhitespace)
        let text = element.dropLast(element.reversed().prefix(while: \.isWhitespace).count)
        if text.first == "[" {
            return IPAddress(text.dropFirst().prefix { $0 != "]" })
        }
        let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
        return IPAddress(colons == 1 ? text.prefix { $0 != ":" } : text)
    }
}
