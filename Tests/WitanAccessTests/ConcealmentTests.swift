import Testing
import WitanAccess
import WitanCore

@Suite("Secrets in strings, dumps and mirrors")
struct ConcealmentTests {
    private static let key = "sk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZWiTaN10ZfxF7"
    private static let pepper = Array(UInt8(0)..<32)

    private struct Holder<Value> {
        let value: Value
        let optional: Value?
        let list: [Value]
        let byName: [String: Value]
    }

    /// Everything that the standard library makes of a value when somebody prints it, alone or inside another.
    private func texts<Value>(of value: Value) -> [String] {
        let holder = Holder(value: value, optional: value, list: [value], byName: ["name": value])
        var dumped = ""
        dump(holder, to: &dumped)
        var texts = ["\(value)", "\(holder)", dumped, String(reflecting: value), String(reflecting: holder)]
        texts += Mirror(reflecting: value).children.map { "\($0.label ?? ""): \($0.value)" }
        return texts
    }

    @Test("A key shows its preview alone")
    func concealsSecret() throws {
        let secret = try #require(Secret(parsing: Self.key))
        for text in texts(of: secret) {
            #expect(text.contains("sk-****fxF7"))
            #expect(!text.contains("WiTaN1") && !text.contains("0123"))
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test("Digests, peppers and the server's secrets show nothing")
    func concealsTheRest() throws {
        let secret = try #require(Secret(parsing: Self.key))
        let peppers = try Peppers([1: Self.pepper])
        let stored = try #require(peppers.digest(secret.digest, version: 1))
        let secrets = try ServerSecrets.parse(
            """
            pepper 1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
            audit AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
            signing AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
            """
        )
        let shown =
            texts(of: secret.digest) + texts(of: stored) + texts(of: peppers) + texts(of: secrets)
            + texts(of: secrets.auditKey)
        let digestWord = "\(0xec8b_4894_30a8_5164 as UInt64)"
        let storedWord = "\(0x0cfe_4983_8afd_ec04 as UInt64)"
        for text in shown {
            for needle in ["AAEC", "ec8b48", "0cfe49", "0, 1, 2", "12, 254", digestWord, storedWord, "WiTaN1"] {
                #expect(!text.lowercased().contains(needle.lowercased()), "\(needle) in \(text)")
            }
            #expect(text.contains("****"))
        }
    }
}
