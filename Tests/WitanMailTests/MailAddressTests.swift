import Testing
import WitanCore
import WitanMail

@Suite("Addresses")
struct MailAddressTests {
    @Test(
        "Ordinary addresses are taken as they are",
        arguments: [
            "a@b", "ada@example.org", "Ada.Lovelace+witan@mail.example.org", "o'neil@example.org",
            "{a}~b|c@xn--mller-kva.example",
            "a@1.example", String(repeating: "a", count: 64) + "@example.org",
        ]
    )
    func valid(text: String) throws {
        let address = try MailAddress(text)
        #expect(address.address == text && address.name == nil && "\(address)" == text)
    }

    @Test(
        "What is no address, or could be read as more than one, is refused",
        arguments: [
            "", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", ".a@b", "a.@b", "a..b@c", "a@b.", "a@.b", "a@-b",
            "a@b-", "a@b_c",
            "a@[127.0.0.1]", "\"a b\"@c", "a,b@c", "a<b@c", "a@b>", "a@b\r\nRCPT TO:<eve@example.org>", "a\n@b",
            "a@b\0",
            "ädä@example.org", "ada@müller.example", String(repeating: "a", count: 65) + "@b",
            "a@" + String(repeating: "b", count: 64), "a@" + String(repeating: "b.", count: 127) + "b",
        ]
    )
    func invalid(text: String) {
        let failure = #expect(throws: Failure.self) { try MailAddress(text) }
        #expect(failure?.code == .invalidRequest)
        #expect(failure?.message.hasPrefix("An e-mail address ") == true)
    }

    @Test(
        "A setting may have a name before the address",
        arguments: [
            ("ada@example.org", nil), ("<ada@example.org>", nil), ("Ada Lovelace <ada@example.org>", "Ada Lovelace"),
            ("\"Ada, Countess\" <ada@example.org>", "Ada, Countess"), ("Adä<ada@example.org>", "Adä"),
            ("\"\" <ada@example.org>", nil),
        ] as [(String, String?)]
    )
    func parsing(text: String, name: String?) throws {
        let address = try MailAddress(parsing: text)
        #expect(address.address == "ada@example.org" && address.name == name)
    }

    @Test(
        "A name that is not clearly one is refused",
        arguments: ["A <b> <c@d>", "A \"b\" <c@d>", "\"A <c@d>", "A <c@d> x", "A <<c@d>>", "A >c@d>", "<c@d"]
    )
    func parsingRefused(text: String) {
        #expect(throws: Failure.self) { try MailAddress(parsing: text) }
    }
}
