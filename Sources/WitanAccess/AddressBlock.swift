package import WitanCore

/// A block of addresses with a common prefix: `10.0.0.0/8`, `2001:db8::/32` (RFC 4632), or one address.
package struct AddressBlock: Sendable, Hashable {
    private let network: IPAddress
    private let mask: UInt128

    /// Reads an address, or an address and a prefix's length.
    ///
    /// Refuses an address with bits after its prefix: it is likelier a mistake in the length than meant.
    package init(parsing text: String) throws(Failure) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.flatMap({ IPAddress($0) }) else {
            throw Self.refusal("give an address, or an address block such as 10.0.0.0/8 or 2001:db8::/32")
        }
        // Written as IPv6, an IPv4 address counts its prefix from the first of 128 bits.
        let width = parts[0].contains(":") ? 128 : 32
        var length = width
        if parts.count == 2 {
            guard let number = Int(parts[1]), (0...width).contains(number), String(number) == parts[1] else {
                throw Self.refusal("the prefix's length must be a whole number from 0 to \(width)")
            }
            length = number
        }
        mask = length == 0 && width == 128 ? 0 : UInt128.max << UInt128(width - length)
        network = IPAddress(bits: address.bits & mask)
        guard network == address else {
            throw Self.refusal("the address has bits after its prefix; write \(network)/\(length) for the whole block")
        }
    }

    /// Whether the address is in the block; an IPv4 address is in no block of IPv6 addresses.
    package func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == network.isIPv4 && address.bits & mask == network.bits
    }

    private static func refusal(_ expectation: String) -> Failure {
        Failure(.invalidRequest, "Trusted proxy: \(expectation).")
    }
}
