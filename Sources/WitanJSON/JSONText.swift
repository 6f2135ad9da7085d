/// What the parser and the writer both know about the bytes of JSON text.
enum JSONText {
    /// The first of eight bytes, in little-endian order, that can't stand in a string as it is, or nil.
    ///
    /// These are the quotation mark, the reverse solidus and the control characters below U+0020 (RFC 8259, 7).
    static func firstSpecialByte(in word: UInt64) -> Int? {
        let low: UInt64 = 0x0101_0101_0101_0101
        // A subtraction sets the high bit of a byte that is too small. It may borrow from the bytes above one that
        // is, never from those below, so the lowest bit set is right. Bytes beyond ASCII are masked out.
        let quotationMark = (word ^ (low &* 0x22)) &- low
        let reverseSolidus = (word ^ (low &* 0x5C)) &- low
        let control = word &- (low &* 0x20)
        let found = (quotationMark | reverseSolidus | control) & ~word & (low &* 0x80)
        return found == 0 ? nil : found.trailingZeroBitCount / 8
    }

    /// Whether a byte can't stand in a string as it is.
    static func isSpecial(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    /// The position of the first special byte at or after an offset, or the count when there is none.
    static func firstSpecialByte(in bytes: Span<UInt8>, from start: Int) -> Int {
        var offset = start
        while offset &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            if let found = firstSpecialByte(in: word) { return offset &+ found }
            offset &+= 8
        }
        while offset < bytes.count, !isSpecial(bytes[offset]) {
            offset &+= 1
        }
        return offset
    }

    /// Whether all bytes are ASCII.
    static func isASCII(_ bytes: Span<UInt8>) -> Bool {
        var seen: UInt64 = 0
        var offset = 0
        while offset &+ 8 <= bytes.count {
            seen |= bytes.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        while offset < bytes.count {
            seen |= UInt64(bytes[offset])
            offset &+= 1
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }
}
