import Testing
import WitanCore

@Suite("UUIDs and their text")
struct ObjectIDTests {
    @Test(
        "the 36-character form is read in either case and written in lower case",
        arguments: [
            "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "01234567-89ab-cdef-0123-456789abcdef", "0199C0DE-0000-7000-8000-0123456789AB",
        ]
    )
    func text(_ text: String) throws {
        let id = try #require(ObjectID(text))
        #expect(id.description == text.lowercased())
        #expect(ObjectID(id.description) == id)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "x", "0199c0de-0000-7000-8000-0123456789a", "0199c0de-0000-7000-8000-0123456789abc",
            "0199c0de00007000-8000-0123456789abcd", "{199c0de-0000-7000-8000-0123456789a}",
            "0199c0de-0000-7000-8000_0123456789ab", "0199c0dg-0000-7000-8000-0123456789ab",
            " 199c0de-0000-7000-8000-0123456789ab", "0199c0de-0000-7000-8000-0123456789a\u{0}",
            "urn:uuid:0199c0de-0000-7000-8000-0123456789ab", "0199c0de-0000-7000-8000-0123456789é",
            "٠199c0de-0000-7000-8000-0123456789ab", "-199c0de-0000-7000-8000-0123456789ab",
        ]
    )
    func refused(_ text: String) {
        #expect(ObjectID(text) == nil)
    }

    @Test("ids and their texts sort alike")
    func order() {
        var random = RandomSource.seeded(1)
        let ids = (0..<500).map { _ in ObjectID(high: random.next(), low: random.next()) }
        #expect(ids.sorted().map(\.description) == ids.map(\.description).sorted())
        #expect(ObjectID(high: 1, low: .max) < ObjectID(high: 2, low: 0))
        #expect(ObjectID(high: 1 << 63, low: 0) > ObjectID(high: 1, low: 0))
    }
}
