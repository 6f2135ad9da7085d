import Testing
import WitanAccess
import WitanCore

@Suite("Redaction of free text")
struct SecretRedactorTests {
    @Test(
        "Keys and tokens go, the text around them stays",
        arguments: [
            ("key sk-0123456789ABCDEFGHIJ.", "key sk-****."),
            ("sk-0123456789abcdef", "sk-****"),
            ("\"bt-st-0123456789abcdef\",", "\"bt-st-****\","),
            (
                "Authorization: Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end",
                "Authorization: Bearer eyJ**** end"
            ),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "eyJ****."),
            ("eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn", "eyJ****"),
            ("/v1?k=sk-aaaaaaaa&l=bt-st-bbbbbbbb", "/v1?k=sk-****&l=bt-st-****"),
            ("Bearer%20sk-0123456789ABCDEFGHIJKLMN", "Bearer%20sk-****"),
            ("sk-proj-abc_def-0123", "sk-****"),
            ("näher: sk-0123456789abcdef – Ende", "näher: sk-**** – Ende"),
        ]
    )
    func redacts(text: String, expected: String) {
        #expect(SecretRedactor.redact(text) == expected)
    }

    @Test(
        "What is no secret stays as it is",
        arguments: [
            "", "sk-", "sk-****abcd", "bt-st-****abcd", "task-0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "risk-free ask-me",
            "eyJ", "eyJhbGciOiJFZERTQSJ9", "a sentence about sk- and eyJ. And another.", "grüße …",
        ]
    )
    func leaves(text: String) {
        #expect(SecretRedactor.redact(text) == text)
    }

    @Test("No generated key survives in any surroundings", arguments: Seeds.few)
    func hidesGeneratedKeys(seed: UInt64) {
        var random = RandomSource.seeded(seed)
        let surroundings = ["", " ", "\"", "x", "=", "\n", "(", "é", "9", "_", ".", "https://h/", "Bearer "]
        for _ in 0..<500 {
            let kind: SecretKind = Bool.random(using: &random) ? .apiKey : .serviceToken
            let secret = Secret.generate(kind, using: &random).reveal()
            let before = surroundings.randomElement(using: &random) ?? ""
            let after = surroundings.randomElement(using: &random) ?? ""
            let redacted = SecretRedactor.redact(before + secret + after)
            #expect(redacted.hasPrefix(before + kind.rawValue + "****"))
            #expect(!redacted.contains(secret.dropFirst(kind.rawValue.count).prefix(8)))
        }
    }

    @Test(
        "Text made to be slow is read in time linear in its length",
        .timeLimit(.minutes(1)),
        arguments: ["sk-", "eyJ", "ask-", "bt-st-", "bt-st-sk-", "eyJsk-", ".", "eyJ.", "a", "sk-aaaaaaa ", "é"]
    )
    func isLinear(unit: String) {
        // Work that grew with the square of the length would take many minutes, this takes a moment.
        let text = String(repeating: unit, count: 1 << 17)
        #expect(SecretRedactor.redact(text).utf8.count <= text.utf8.count + 4)
    }
}
