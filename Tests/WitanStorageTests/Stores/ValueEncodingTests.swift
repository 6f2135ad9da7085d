import Testing

@testable import WitanStorage

@Suite("The bytes that codes and checksums are of")
struct ValueEncodingTests {
    @Test("a label and values give the bytes that logs are sealed with already")
    func bytes() {
        var encoding = ValueEncoding(label: "ab")
        for value: SQLValue in [nil, 258, .real(1), "é", .blob([7, 8])] { encoding.add(value) }
        let length: [UInt8] = [0, 0, 0, 0, 0, 0, 0]
        let expected: [[UInt8]] = [
            [0x61, 0x62], [0] + length + [0], [1] + length + [8, 0, 0, 0, 0, 0, 0, 1, 2],
            [2] + length + [8, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0], [3] + length + [2, 0xC3, 0xA9], [4] + length + [2, 7, 8],
        ]
        #expect(encoding.bytes == expected.flatMap { $0 })
    }

    @Test("a checksum is of the rows' values alone, one after another")
    func checksum() {
        struct Bytes: CopyChecksum {
            var bytes: [UInt8] = []
            mutating func update(_ bytes: [UInt8]) { self.bytes += bytes }
            func digest() -> [UInt8] { bytes }
        }
        var (checksum, encoding) = (Bytes(), ValueEncoding())
        checksum.update([SQLRow(values: [1, "a"]), SQLRow(values: [nil])])
        for value: SQLValue in [1, "a", nil] { encoding.add(value) }
        #expect(checksum.digest() == encoding.bytes)
    }
}
