import Testing
import WitanAccess
import WitanCore

@Suite("Text form of keys")
struct SecretTests {
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    /// Checks computed with Python's zlib.crc32; the third begins with two zeros.
    static let vectors = [
        "sk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZWiTaN10ZfxF7",
        "sk-abcdefghijklmnopqrstuvwxyz0123456789WiTaN11UJdAb",
        "sk-2XWUaUiKwXoAajVP0OZkZrlSAbbN3rkNqMSFWiTaN100DEBT",
        "bt-st-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZWiTaN1082O7q",
    ]

    @Test("Keys whose check another program computed are accepted", arguments: vectors)
    func acceptsVectors(text: String) throws {
        let secret = try #require(Secret(parsing: text))
        #expect(secret.reveal() == text)
        #expect(secret.kind == (text.hasPrefix("sk-") ? .apiKey : .serviceToken))
        #expect(secret.preview == secret.kind.rawValue + "****" + text.suffix(4))
        #expect(Secret(parsing: "Bearer \(text)".dropFirst(7))?.reveal() == text)
    }

    @Test("100,000 generated keys have the form, differ, and use every digit equally often")
    func generatesUniformKeys() {
        let count = 100_000
        var random = RandomSource.seeded(20_251_112)
        var seen: Set<String> = []
        var occurrences = [Int](repeating: 0, count: 128)
        var malformed = 0
        for _ in 0..<count {
            let text = Secret.generate(.apiKey, using: &random).reveal()
            if text.utf8.count != 51 || !text.hasPrefix("sk-") || text.dropFirst(39).prefix(6) != "WiTaN1" {
                malformed += 1
            }
            for digit in text.utf8.dropFirst(3).prefix(36) {
                occurrences[Int(digit)] += 1
            }
            seen.insert(text)
        }
        #expect(malformed == 0)
        #expect(seen.count == count)
        let expected = Double(count * 36) / 62
        let perDigit = Self.alphabet.map { occurrences[Int($0.asciiValue ?? 0)] }
        #expect(perDigit.reduce(0, +) == count * 36, "a character outside the alphabet")
        let chiSquare = perDigit.reduce(0) { sum, observed in
            let difference = Double(observed) - expected
            return sum + difference * difference / expected
        }
        // 61 degrees of freedom: six standard deviations above the mean. The bias of a modulo would give about 56,000.
        #expect(chiSquare < 128, "chi-square \(chiSquare)")
    }

    @Test("A generated key parses", arguments: SecretKind.allCases, Seeds.few)
    func generatedKeysParse(kind: SecretKind, seed: UInt64) throws {
        var random = RandomSource.seeded(seed)
        for _ in 0..<100 {
            let secret = Secret.generate(kind, using: &random)
            let parsed = try #require(Secret(parsing: secret.reveal()))
            #expect(parsed.kind == kind)
            #expect(parsed.digest == secret.digest)
        }
    }

    @Test("The check catches every single wrong character and every swap of neighbours", arguments: vectors)
    func catchesTypingErrors(text: String) {
        let characters = Array(text)
        let prefix = text.hasPrefix("sk-") ? 3 : 6
        for place in characters.indices.dropFirst(prefix) {
            for wrong in Self.alphabet where wrong != characters[place] {
                var typed = characters
                typed[place] = wrong
                #expect(Secret(parsing: String(typed)) == nil, "\(wrong) at \(place)")
            }
        }
        for place in characters.indices.dropLast() where characters[place] != characters[place + 1] {
            var typed = characters
            typed.swapAt(place, place + 1)
            #expect(Secret(parsing: String(typed)) == nil, "swap at \(place)")
        }
    }

    @Test(
        "What only looks like a key is refused",
        arguments: [
            "", "sk-", "bt-st-", "sk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZWiTaN10ZfxF", " \(vectors[0])",
            "\(vectors[0]) ",
            "\(vectors[0])\n", "\(vectors[0])\0", "\(vectors[0])\(vectors[0])",
            "SK-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZWiTaN10ZfxF7",
            "sk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ082O7qWiTaN1",
            "sk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXY-WiTaN10ZfxF7",
            "sk-\u{0661}123456789ABCDEFGHIJKLMNOPQRSTUVWXYZWiTaN10ZfxF",
            "bt-st-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZWiTaN10ZfxF7",
            // Another marker, with the right check.
            "sk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZWiTaN22Sa819",
        ]
    )
    func refusesOthers(text: String) {
        #expect(Secret(parsing: text) == nil)
    }
}
