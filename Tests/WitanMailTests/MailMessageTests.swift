import Foundation
import NIOCore
import Testing
import WitanCore

@testable import WitanMail

@Suite("Messages")
struct MailMessageTests {
    private static let date = Timestamp(seconds: 1_762_916_307)
    private static let fields = [
        "Date", "From", "To", "Message-ID", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    ]

    private func render(_ message: MailMessage, seed: UInt64 = 1) throws -> [UInt8] {
        var random = RandomSource.seeded(seed)
        return message.rendered(
            from: try MailAddress("no-reply@example.org", name: "Witan"),
            at: Self.date,
            random: &random
        )
    }

    @Test("A message is what RFC 5322 says, byte for byte")
    func wholeMessage() throws {
        let message = MailMessage(
            to: try MailAddress("ada@example.com", name: "Ada \"the first\" Lovelace"),
            subject: "You are invited to Acme",
            text: "Hello,\n\nfollow https://example.org/?a=1\nGrüße"
        )
        var random = RandomSource.seeded(1)
        let expected = [
            "Date: Wed, 12 Nov 2025 02:58:27 +0000",
            "From: \"Witan\" <no-reply@example.org>",
            "To: \"Ada \\\"the first\\\" Lovelace\" <ada@example.com>",
            "Message-ID: <\(random.bytes(16).hex)@example.org>",
            "Subject: You are invited to Acme",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "",
            "Hello,",
            "",
            "follow https://example.org/?a=3D1",
            "Gr=C3=BC=C3=9Fe",
            "",
        ]
        #expect(String(decoding: try render(message), as: UTF8.self) == expected.joined(separator: "\r\n"))
    }

    @Test(
        "Dates are those of the calendar",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"), (951_782_399, "Mon, 28 Feb 2000 23:59:59 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 +0000"),
            (4_102_444_800, "Fri, 01 Jan 2100 00:00:00 +0000"),
        ] as [(Int64, String)]
    )
    func dates(seconds: Int64, expected: String) {
        #expect(Timestamp(microseconds: seconds * 1_000_000 + 999_999).rfc5322 == expected)
    }

    @Test(
        "A subject is plain when it can be, and encoded and folded when it must",
        arguments: [
            ("Hello", "Subject: Hello\r\n"), ("", "Subject:\r\n"), (" a \t b\r\n", "Subject: a b\r\n"),
            ("Müller", "Subject: =?utf-8?B?TcO8bGxlcg==?=\r\n"),
            ("=?utf-8?B?QQ==?=", "Subject: =?utf-8?B?PT91dGYtOD9CP1FRPT0/PQ==?=\r\n"),
            (
                "You are invited to an organization whose name is long enough to need another line",
                "Subject: You are invited to an organization whose name is long enough to\r\n need another line\r\n"
            ),
            (
                String(repeating: "ä", count: 40),
                "Subject: =?utf-8?B?\(String(repeating: "w6TDpMOk", count: 6))w6Q=?=\r\n"
                    + " =?utf-8?B?\(String(repeating: "w6TDpMOk", count: 7))?=\r\n"
            ),
        ]
    )
    func subjects(text: String, expected: String) {
        #expect(HeaderField("Subject", text: text).line == expected)
    }

    @Test(
        "Nothing that is written into a message becomes a header or ends one",
        arguments: [
            "a\r\nBcc: eve@example.org", "a\nBcc: eve@example.org", "a\rBcc: eve@example.org", "\r\n\r\nHello",
            "a\u{0}b",
            "a\u{2028}Bcc: eve@example.org", "a\u{85}Bcc: b", "a\u{7F}b\u{1B}[31m", "\r\n", "é\r\nBcc: b",
            "a\r\n .\r\nb",
            "\" <eve@example.org>", "\\", "\\\"\r\n", "=?utf-8?Q?a=0D=0ABcc:_b?=", String(repeating: "x", count: 5_000),
            String(repeating: "👩‍👩‍👧‍👦", count: 300), String(repeating: "\r\n", count: 500),
            String(repeating: "a\u{301}", count: 99),
        ]
    )
    func injection(text: String) throws {
        let message = MailMessage(
            to: try MailAddress("ada@example.com", name: text),
            subject: text,
            text: text
        )
        try expectWellFormed(message, try render(message))
    }

    @Test("Generated messages arrive as they were meant", arguments: Seeds.few)
    func generated(seed: UInt64) throws {
        var random = RandomSource.seeded(seed)
        let alphabet = Array("ab .=?_<>\"\\,:;@\t\r\n\u{0}\u{7F}\u{85}\u{2028}äé漢👍🏽\u{301}-").flatMap(\.unicodeScalars)
        func text(_ longest: Int) -> String {
            let scalars = (0..<Int.random(in: 0...longest, using: &random))
                .compactMap { _ in
                    alphabet.randomElement(using: &random)
                }
            return String(String.UnicodeScalarView(scalars))
        }
        for _ in 0..<300 {
            let message = MailMessage(
                to: try MailAddress("ada@example.com", name: Bool.random(using: &random) ? text(150) : nil),
                subject: text(300),
                text: text(500)
            )
            try expectWellFormed(message, try render(message, seed: seed))
        }
    }

    /// Each line bounded and ended by CRLF, the headers these and no other, and all texts as they were.
    private func expectWellFormed(_ message: MailMessage, _ bytes: [UInt8]) throws {
        let source = String(decoding: bytes, as: UTF8.self)
        let lines = source.components(separatedBy: "\r\n")
        for line in lines {
            #expect(line.utf8.count <= 76 && line.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 9 })
        }
        #expect(lines.last == "")
        let mail = try #require(ReceivedMail(bytes))
        #expect(mail.headers.map(\.name) == Self.fields)
        #expect(mail["Subject"] == words(message.subject))
        let recipient = try #require(mail.mailbox("To"))
        #expect(recipient.name == words(message.to.name ?? "") && recipient.address == "ada@example.com")
        var text = message.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        if text.last?.isEmpty == true { text.removeLast() }
        #expect(Array(mail.text.utf8) == Array(text.map { $0 + "\r\n" }.joined().utf8))
    }

    private func words(_ text: String) -> String {
        let controls: [ClosedRange<UInt32>] = [0...0x20, 0x7F...0x9F, 0x2028...0x2029]
        return text.unicodeScalars.split { scalar in controls.contains { $0.contains(scalar.value) } }
            .map { String($0) }
            .joined(separator: " ")
    }

    @Test(
        "Quoted-printable keeps blanks at the end of a line, and lines short",
        arguments: [
            ("", ""), ("a", "a\r\n"), ("a\n", "a\r\n"), ("a\r\rb\n\n", "a\r\n\r\nb\r\n\r\n"),
            ("a \t\n b", "a =09\r\n b\r\n"),
            (" ", "=20\r\n"), ("1=2", "1=3D2\r\n"), ("é\0", "=C3=A9=00\r\n"),
            (String(repeating: "x", count: 75), String(repeating: "x", count: 75) + "\r\n"),
            (String(repeating: "x", count: 76), String(repeating: "x", count: 75) + "=\r\nx\r\n"),
            (String(repeating: "x", count: 73) + "=", String(repeating: "x", count: 73) + "=\r\n=3D\r\n"),
            (String(repeating: "x", count: 72) + "=", String(repeating: "x", count: 72) + "=3D\r\n"),
        ]
    )
    func quotedPrintable(text: String, expected: String) {
        #expect(String(decoding: QuotedPrintable.encode(text), as: UTF8.self) == expected)
    }

    @Test(
        "A line that begins with a dot does not end the message",
        arguments: [
            ("", ".\r\n"), ("a\r\n", "a\r\n.\r\n"), (".\r\n", "..\r\n.\r\n"), ("a\r\n.b\r\n", "a\r\n..b\r\n.\r\n"),
            ("a.\r\n", "a.\r\n.\r\n"), ("..\r\n", "...\r\n.\r\n"), ("a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"),
        ]
    )
    func dotStuffing(message: String, expected: String) {
        #expect(String(buffer: ByteBuffer(dotStuffing: Array(message.utf8))) == expected)
    }

    @Test(
        "Base64 is that of RFC 4648",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"), ("\u{FFFF}~?", "77+/fj8="),
        ]
    )
    func base64(text: String, expected: String) {
        #expect(Base64.encode(text.utf8) == expected)
    }
}
