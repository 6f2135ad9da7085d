/// The cyclic redundancy check of IEEE 802.3, as zlib and gzip compute it.
package enum CRC32 {
    /// The check of all `bytes`.
    package static func checksum(of bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }

    /// What each value of a byte does to the remainder; the polynomial's bits are in reverse order.
    private static let table: [UInt32] = (0..<256)
        .map { byte in
            (0..<8)
                .reduce(UInt32(byte)) { remainder, _ in
                    remainder >> 1 ^ (remainder & 1 == 0 ? 0 : 0xEDB8_8320)
                }
        }
}
