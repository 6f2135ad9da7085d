import Foundation
import Testing
import WitanAccess
import WitanCore

@Suite("Tokens: base64url")
struct TokenBase64URLTests {
    @Test("bytes come back, and the text is that of Foundation's base64 in the other alphabet")
    func roundTrip() {
        var random = RandomSource.seeded(1)
        for length in 0..<200 {
            let bytes = random.bytes(length)
            let text = Base64URL.encode(bytes)
            let plain = Data(bytes).base64EncodedString()
            #expect(text == plain.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: ""))
            #expect(Base64URL.decode(text.utf8) == bytes)
        }
    }

    @Test(
        "a text that is not the one spelling of its bytes is refused",
        arguments: [
            "A", "AAAAA", "AA=", "AA==", "AAA=", "AAAA====", "=", "A+AA", "A/AA", "AA A", "AAAA\n", "AB", "AAB", "_9",
            "é",
            "AAA\0", "AA.A",
        ]
    )
    func refused(text: String) {
        #expect(Base64URL.decode(text.utf8) == nil)
    }

    @Test("of the texts of two and three characters, exactly one stands for each value")
    func oneSpelling() {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
        let decoded = alphabet.flatMap { first in alphabet.compactMap { Base64URL.decode([first, $0]) } }
        #expect(decoded.count == 256)
        #expect(Set(decoded).count == 256)
    }
}
