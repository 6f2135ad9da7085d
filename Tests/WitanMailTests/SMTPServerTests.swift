import Testing
import WitanCore

@testable import WitanMail

@Suite("The mail server's URL")
struct SMTPServerTests {
    struct Case: Sendable {
        let url: String
        let host: String
        let port: Int
        let security: SMTPServer.Security
        var username: String?
        var password: String?
    }

    @Test(
        "Scheme, port and query say how to connect",
        arguments: [
            Case(url: "smtp://mail.example.org", host: "mail.example.org", port: 587, security: .startTLS),
            Case(url: "smtp://mail.example.org:25/", host: "mail.example.org", port: 25, security: .startTLS),
            Case(url: "SMTP://localhost:1025?tls=none", host: "localhost", port: 1_025, security: .none),
            Case(url: "smtps://mail.example.org", host: "mail.example.org", port: 465, security: .tls),
            Case(url: "smtps://10.0.0.1:2465", host: "10.0.0.1", port: 2_465, security: .tls),
            Case(url: "smtp://[2001:db8::1]:25", host: "2001:db8::1", port: 25, security: .startTLS),
            Case(url: "smtps://[::1]", host: "::1", port: 465, security: .tls),
            Case(
                url: "smtps://ada:hunter2@h:465",
                host: "h",
                port: 465,
                security: .tls,
                username: "ada",
                password: "hunter2"
            ),
            Case(
                url: "smtp://ada%40example.org:p%C3%A4%2F%3F%23:x@h",
                host: "h",
                port: 587,
                security: .startTLS,
                username: "ada@example.org",
                password: "pä/?#:x"
            ),
            Case(
                url: "smtp://a:b@127.0.0.2:25?tls=none",
                host: "127.0.0.2",
                port: 25,
                security: .none,
                username: "a",
                password: "b"
            ),
        ]
    )
    func accepted(expected: Case) throws {
        let server = try SMTPServer(url: expected.url)
        #expect(server.host == expected.host && server.port == expected.port)
        #expect(server.security == expected.security)
        #expect(server.username == expected.username && server.password == expected.password)
    }

    @Test(
        "A malformed URL is refused, in a sentence that holds nothing of it",
        arguments: [
            "", "hunter2", "http://hunter2", "smtp:hunter2", "smtp://", "smtp://:25", "smtp://h:", "smtp://h:0",
            "smtp://h:65536",
            "smtp://h:hunter2", "smtp://h:+25", "smtp://h:25/hunter2", "smtp://h/hunter2", "smtp://hunter2@h",
            "smtp://a:@h",
            "smtp://:hunter2@h", "smtp://a:hunter2@", "smtp://a:hunter2%@h", "smtp://a:hunter2%4@h",
            "smtp://a:hunter2%+4@h",
            "smtp://a:hunter2%FF@h", "smtp://a:hunter2%00@h", "smtp://a:hunter2%0D%0A@h", "smtp://a:hun/ter2@h",
            "smtp://a:hun@ter2@h", "smtp://a:hun?ter2@h", "smtp://a:hun#ter2@h", "smtp://a:hunter2 @h",
            "smtp://a:hünter2@h",
            "smtp://h?tls=hunter2", "smtp://h?hunter2", "smtps://h?tls=none", "smtp://h?tls=none&a=hunter2",
            "smtp://[h]:25",
            "smtp://[::1", "smtp://[::1]hunter2", "smtp://::1", "smtp://hunter2_h", "smtp://h\r\nhunter2",
            "smtp://hünter2",
            "smtp://a:hunter2@mail.example.org?tls=none",
        ]
    )
    func refused(url: String) {
        let failure = #expect(throws: Failure.self) { try SMTPServer(url: url) }
        #expect(failure?.code == .invalidRequest)
        #expect(failure?.message.hasPrefix("The mail server ") == true && failure?.message.hasSuffix(".") == true)
        for part in ["hunter2", "hun", "ter2"] { #expect(failure?.message.contains(part) == false) }
    }

    @Test("No text, dump or mirror of a server holds its password")
    func concealment() throws {
        let server = try SMTPServer(url: "smtps://ada:hunter2@[::1]:465")
        var dumped = ""
        dump(server, to: &dumped)
        for text in ["\(server)", String(reflecting: server), dumped, "\([server])"] {
            #expect(!text.contains("hunter2") && text.contains("[::1]:465"))
        }
    }

    @Test(
        "Only this machine's own names and addresses are taken for it",
        arguments: [
            ("localhost", true), ("LOCALHOST", true), ("127.0.0.1", true), ("127.8.9.1", true), ("::1", true),
            ("0:0:0:0:0:0:0:1", true), ("0.0.0.0", false), ("localhost.example.org", false), ("127.example.org", false),
            ("128.0.0.1", false), ("::", false), ("mail", false),
        ]
    )
    func loopback(host: String, isLoopback: Bool) {
        #expect(HostName.isLoopback(host) == isLoopback)
    }
}
