import Testing
import WitanCore

@testable import WitanMail

@Suite("Replies")
struct SMTPReplyParserTests {
    private func replies(_ text: [UInt8], _ limits: SMTPLimits = SMTPLimits()) throws -> [SMTPReply] {
        var parser = SMTPReplyParser(limits: limits)
        return try text.compactMap { try parser.consume($0) }
    }

    @Test(
        "Replies of one line and of several are read",
        arguments: [
            ("250 OK\r\n", [SMTPReply(code: 250, lines: ["OK"])]), ("250\r\n", [SMTPReply(code: 250, lines: [""])]),
            ("250 \r\n", [SMTPReply(code: 250, lines: [""])]),
            ("250-a\r\n250-b c\r\n250 d\r\n", [SMTPReply(code: 250, lines: ["a", "b c", "d"])]),
            ("250-\r\n250\r\n", [SMTPReply(code: 250, lines: ["", ""])]),
            ("354 go\r\n554 no\r\n", [SMTPReply(code: 354, lines: ["go"]), SMTPReply(code: 554, lines: ["no"])]),
            ("220 Grüße\r\n", [SMTPReply(code: 220, lines: ["Grüße"])]),
            ("220 unfinished", []), ("250-more\r\n", []), ("250 OK\r", []), ("", []),
        ]
    )
    func accepted(text: String, expected: [SMTPReply]) throws {
        #expect(try replies(Array(text.utf8)) == expected)
    }

    @Test(
        "What is no reply is refused at its first line",
        arguments: [
            "\r\n", "25\r\n", "2500\r\n", "250_OK\r\n", "250\tOK\r\n", "150 a\r\n", "650 a\r\n", "260 a\r\n",
            "2a0 a\r\n",
            " 250 a\r\n", "+250 a\r\n", "-25 a\r\n", "250 a\n", "250 a\rb", "250 a\r\r\n", "250-a\r\n251 b\r\n",
            "HTTP/1.1 400\r\n",
            "٢٥٠ a\r\n", "\0\0\0 a\r\n",
        ]
    )
    func refused(text: String) {
        #expect(throws: SMTPReplyParser.Refusal.self) { try replies(Array(text.utf8)) }
    }

    @Test("Lines and their number are bounded, to the byte")
    func bounds() throws {
        var limits = SMTPLimits()
        limits.replyLineBytes = 10
        limits.replyLines = 2
        #expect(try replies(Array("250 123456\r\n".utf8), limits).count == 1)
        #expect(throws: SMTPReplyParser.Refusal.self) { try replies(Array("250 1234567".utf8), limits) }
        #expect(try replies(Array("250-a\r\n250 b\r\n250-a\r\n250 b\r\n".utf8), limits).count == 2)
        #expect(throws: SMTPReplyParser.Refusal.self) { try replies(Array("250-a\r\n250-b\r\n250 c\r\n".utf8), limits) }
    }

    @Test("Generated replies are read as they were written, one after another", arguments: Seeds.few)
    func generated(seed: UInt64) throws {
        var random = RandomSource.seeded(seed)
        for _ in 0..<200 {
            let expected = (0..<Int.random(in: 1...5, using: &random)).map { _ in reply(&random) }
            let text = expected.flatMap { reply in
                reply.lines.enumerated()
                    .flatMap { index, line in
                        Array("\(reply.code)\(index == reply.lines.count - 1 ? " " : "-")\(line)\r\n".utf8)
                    }
            }
            #expect(try replies(text) == expected)
        }
    }

    @Test("Whatever a server sends is read or refused, and never kept beyond the limits", arguments: Seeds.few)
    func noise(seed: UInt64) {
        var random = RandomSource.seeded(seed)
        let pieces: [[UInt8]] = ["250", "250-", "250 ", "421", "\r\n", "\r", "\n", "a", "-", " ", "\0", "é"]
            .map { Array($0.utf8) }
        var limits = SMTPLimits()
        limits.replyLineBytes = 20
        limits.replyLines = 3
        var (read, refused) = (0, 0)
        for _ in 0..<2_000 {
            var parser = SMTPReplyParser(limits: limits)
            do throws(SMTPReplyParser.Refusal) {
                for _ in 0..<40 {
                    let isNoise = Int.random(in: 0..<20, using: &random) == 0
                    let piece = isNoise ? random.bytes(3) : pieces.randomElement(using: &random) ?? []
                    for byte in piece {
                        guard let reply = try parser.consume(byte) else { continue }
                        read += 1
                        #expect((200...559).contains(reply.code))
                        #expect((1...3).contains(reply.lines.count))
                        #expect(reply.lines.allSatisfy { !$0.utf8.contains(13) && !$0.utf8.contains(10) })
                    }
                }
            } catch {
                refused += 1
            }
        }
        #expect(read > 0 && refused > 0)
    }

    private func reply(_ random: inout RandomSource) -> SMTPReply {
        let code = [220, 221, 250, 251, 354, 421, 450, 550, 559].randomElement(using: &random) ?? 250
        let lines = (0..<Int.random(in: 1...6, using: &random))
            .map { _ in
                (0..<Int.random(in: 0...30, using: &random))
                    .map { _ in
                        ["a", "-", " ", "250", "ü", "\t", "."].randomElement(using: &random) ?? ""
                    }
                    .joined()
            }
        return SMTPReply(code: code, lines: lines)
    }
}
