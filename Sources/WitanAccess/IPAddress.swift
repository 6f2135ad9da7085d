#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An IPv4 or IPv6 address.
///
/// An IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) is the same as the IPv4 address in it.
package struct IPAddress: Sendable, Hashable {
    /// The 128 bits of the IPv6 address; an IPv4 address stands in its mapped form.
    let bits: UInt128

    init(bits: UInt128) {
        self.bits = bits
    }

    /// Reads the text form of either family (RFC 4291, section 2.2); `nil` for anything else, ports and zones included.
    package init?(_ text: some StringProtocol) {
        // The C functions would stop at a NUL and believe what stands before it.
        guard text.utf8.count <= Self.longestText, !text.utf8.contains(0) else { return nil }
        var network = (in: in_addr(), in6: in6_addr())
        let text = String(text)
        if inet_pton(AF_INET, text, &network.in) == 1 {
            bits = Self.mappedPrefix | UInt128(UInt32(bigEndian: network.in.s_addr))
        } else if inet_pton(AF_INET6, text, &network.in6) == 1 {
            bits = withUnsafeBytes(of: network.in6) { $0.reduce(0) { $0 << 8 | UInt128($1) } }
        } else {
            return nil
        }
    }

    /// Whether this is an IPv4 address.
    package var isIPv4: Bool { bits >> 32 == Self.mappedPrefix >> 32 }

    private static let mappedPrefix: UInt128 = 0xFFFF << 32
    private static let longestText = 45
}

extension IPAddress: CustomStringConvertible {
    /// The form of RFC 5952, or four decimal numbers.
    package var description: String {
        guard !isIPv4 else {
            return [24, 16, 8, 0].map { String((bits >> $0) & 0xFF) }.joined(separator: ".")
        }
        var address = in6_addr()
        withUnsafeMutableBytes(of: &address) { bytes in
            for index in bytes.indices {
                bytes[index] = UInt8(truncatingIfNeeded: bits >> UInt128(120 - 8 * index))
            }
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let written = inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
        precondition(written != nil, "the buffer holds any IPv6 address")
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension IPAddress {
    /// What a rate limiter knows a client by: an IPv4 address itself, and the /64 network of an IPv6 address.
    ///
    /// A customer is given a /64 or more (RFC 6177), so that a limit for each of its addresses would be none. A text
    /// that is not an address stands for itself.
    package static func limiterKey(for text: String) -> String {
        guard let address = IPAddress(text) else { return text }
        return address.isIPv4 ? address.description : "\(IPAddress(bits: (address.bits >> 64) << 64))/64"
    }
}
