import Foundation
import NIOCore
import NIOPosix
import Testing
import WitanCore

@testable import WitanMail

@Suite("Conversations", .timeLimit(.minutes(5)))
struct SMTPConversationTests {
    private typealias Answer = ScriptedServer.Answer

    /// What a server says that lets a message pass, after its answer to EHLO.
    private static let delivery: [Answer] = [.say("250 OK"), .say("250 OK"), .say("354 Go"), .say("250 Queued")]

    private static func message(to address: String = "ada@example.org") throws -> MailMessage {
        MailMessage(to: try MailAddress(address), subject: "Hello", text: ".\n.a\nb\n")
    }

    /// A transport with time enough, unless it is given less, that always makes the same message.
    private static func transport(
        _ server: SMTPServer,
        clientName: String = "client.example.org",
        trustRoots: String? = nil,
        duration: Duration = .seconds(600)
    ) throws -> SMTPTransport {
        var limits = SMTPLimits()
        limits.duration = duration
        return try SMTPTransport(
            server: server,
            sender: MailAddress("no-reply@example.org"),
            clientName: clientName,
            trustRoots: trustRoots,
            limits: limits,
            time: TimeSource(now: { Timestamp(seconds: 0) }, monotonic: { 0 }),
            random: .seeded(1)
        )
    }

    /// Sends one message to a scripted server: why it failed, and what the server heard.
    private static func send(
        _ answers: [Answer],
        url: String = "smtp://127.0.0.1",
        server: ScriptedServer = ScriptedServer(),
        trustRoots: String? = nil,
        duration: Duration = .seconds(600)
    ) async throws -> (failure: Failure?, heard: [String]) {
        let (outcomes, heard) = try await server.run(answers) { port in
            let url = url.contains("?") ? url.replacing("?", with: ":\(port)?") : "\(url):\(port)"
            let transport = try transport(SMTPServer(url: url), trustRoots: trustRoots, duration: duration)
            return await transport.send([try message()])
        }
        try #require(outcomes.count == 1)
        #expect(outcomes[0].map { $0.code == .unavailable } ?? true)
        return (outcomes[0], heard)
    }

    // MARK: What is said

    @Test(
        "A message is handed over in the order of RFC 5321, however its answers were split",
        arguments: [false, true]
    )
    func delivery(splitsBytes: Bool) async throws {
        let (failure, heard) = try await Self.send(
            [.say("220-server\r\n220 ready"), .say("250-server\r\n250-8BITMIME\r\n250 HELP")] + Self.delivery,
            server: ScriptedServer(splitsBytes: splitsBytes)
        )
        #expect(failure == nil)
        try #require(heard.count == 6)
        #expect(heard[0] == "EHLO client.example.org")
        #expect(heard[1...3] == ["MAIL FROM:<no-reply@example.org>", "RCPT TO:<ada@example.org>", "DATA"])
        #expect(heard[4].hasSuffix("\r\n\r\n..\r\n..a\r\nb"))
        #expect(heard[5] == "QUIT")
    }

    @Test("A server that asks for a message's size is told the number of its bytes")
    func size() async throws {
        let (failure, heard) = try await Self.send([.say("220 x"), .say("250-x\r\n250 size 1000000")] + Self.delivery)
        var random = RandomSource.seeded(1)
        let bytes = try Self.message()
            .rendered(from: MailAddress("no-reply@example.org"), at: Timestamp(seconds: 0), random: &random)
        #expect(failure == nil)
        #expect(heard[1] == "MAIL FROM:<no-reply@example.org> SIZE=\(bytes.count)")
    }

    @Test("Several messages share a connection, and one that is refused does not stop the others")
    func several() async throws {
        let refusal: [Answer] = [.say("250 OK"), .say("550 5.1.1 No such user"), .say("250 Reset")]
        let (outcomes, heard) = try await ScriptedServer()
            .run([.say("220 x"), .say("250 x")] + Self.delivery + refusal + Self.delivery) { port in
                let messages = try ["a@example.org", "b@example.org", "c@example.org"].map(Self.message)
                return try await Self.transport(SMTPServer(url: "smtp://127.0.0.1:\(port)")).send(messages)
            }
        try #require(outcomes.count == 3)
        #expect(outcomes[0] == nil && outcomes[2] == nil)
        #expect(
            outcomes[1]?.message.hasSuffix(" refused the recipient, with the answer “550 5.1.1 No such user”.") == true
        )
        #expect(
            heard.filter { !$0.contains("\r\n") }.dropFirst(4) == [
                "MAIL FROM:<no-reply@example.org>", "RCPT TO:<b@example.org>", "RSET",
                "MAIL FROM:<no-reply@example.org>", "RCPT TO:<c@example.org>", "DATA", "QUIT",
            ]
        )
    }

    @Test("No message, no connection")
    func none() async throws {
        let transport = try Self.transport(SMTPServer(url: "smtp://nowhere.invalid"))
        #expect(await transport.send([]).isEmpty)
    }

    @Test("The sender stands in the envelope and in the message")
    func sender() async throws {
        let (outcomes, heard) = try await ScriptedServer()
            .run([.say("220 x"), .say("250 x")] + Self.delivery) { port in
                let message = MailMessage(
                    to: try MailAddress("ada@example.org"),
                    subject: "",
                    text: ""
                )
                return try await Self.transport(SMTPServer(url: "smtp://127.0.0.1:\(port)")).send([message])
            }
        #expect(outcomes.count == 1 && outcomes[0] == nil)
        #expect(heard[1] == "MAIL FROM:<no-reply@example.org>")
        #expect(heard[4].contains("From: <no-reply@example.org>") || heard[4].contains("From: no-reply@example.org"))
    }

    @Test(
        "The client gives its name, or its address in brackets",
        arguments: [("h", "h"), ("192.0.2.1", "[192.0.2.1]"), ("2001:db8::1", "[IPv6:2001:db8::1]")]
    )
    func clientName(name: String, expected: String) async throws {
        let (_, heard) = try await ScriptedServer()
            .run([.say("220 x"), .say("550 no")]) { port in
                let transport = try Self.transport(SMTPServer(url: "smtp://127.0.0.1:\(port)"), clientName: name)
                return await transport.send([try Self.message()]).count
            }
        #expect(heard == ["EHLO \(expected)", "QUIT"])
    }

    @Test("A client's name that is none is refused", arguments: ["", "a b", "a\r\nQUIT", "-a", "[::1]"])
    func invalidClientName(name: String) throws {
        let server = try SMTPServer(url: "smtp://h")
        let failure = #expect(throws: Failure.self) { try Self.transport(server, clientName: name) }
        #expect(failure?.code == .invalidRequest)
    }

    // MARK: Refusals

    @Test(
        "What the server refuses is said with its answer, and the conversation ends in order",
        arguments: zip(
            0...,
            ["the connection", "EHLO", "the sender", "the recipient", "the message", "the message"]
        )
        .flatMap { step in
            ["450 4.2.0 Later\u{7}, \u{202E}please", "554-5.0.0 Never\r\n554 again"].map { (step.0, step.1, $0) }
        }
    )
    func refusals(step: Int, matter: String, answer: String) async throws {
        let script: [Answer] = [.say("220 x"), .say("250 x")] + Self.delivery
        let (failure, heard) = try await Self.send(script[..<step] + [.say(answer)])
        let shown = answer.hasPrefix("450") ? "450 4.2.0 Later, please" : "554 5.0.0 Never again"
        #expect(failure?.message.hasSuffix(" refused \(matter), with the answer “\(shown)”.") == true)
        #expect(heard.count == step + 1 && heard.last == "QUIT")
    }

    @Test("A server that is about to go is asked nothing more")
    func closing() async throws {
        let (outcomes, heard) = try await ScriptedServer()
            .run([.say("220 x"), .say("250 x"), .say("250 OK"), .close(saying: "421 Bye\r\n")]) { port in
                let messages = try ["a@example.org", "b@example.org"].map(Self.message)
                return try await Self.transport(SMTPServer(url: "smtp://127.0.0.1:\(port)")).send(messages)
            }
        #expect(
            outcomes.map { $0?.message.hasSuffix("refused the recipient, with the answer “421 Bye”.") } == [true, true]
        )
        #expect(!heard.contains("RSET") && !heard.contains("RCPT TO:<b@example.org>"))
    }

    @Test("An answer is shown up to its limit")
    func longAnswer() async throws {
        let (failure, _) = try await Self.send([.say("550 " + String(repeating: "é", count: 400))])
        #expect(failure?.message.hasSuffix("“550 \(String(repeating: "é", count: 200))”.") == true)
    }

    // MARK: Authentication

    @Test("PLAIN is used when the server has it, else LOGIN", arguments: ["LOGIN PLAIN", "login", "XOAUTH2 LOGIN"])
    func authentication(mechanisms: String) async throws {
        let isPlain = mechanisms.contains("PLAIN")
        let questions: [Answer] = isPlain ? [.say("334 ")] : [.say("334 VXNlcm5hbWU6"), .say("334 UGFzc3dvcmQ6")]
        let (failure, heard) = try await Self.send(
            [.say("220 x"), .say("250-x\r\n250 AUTH \(mechanisms)")] + questions + [.say("235 Welcome")]
                + Self.delivery,
            url: "smtp://ada:hunter2@127.0.0.1"
        )
        #expect(failure == nil)
        let plain = ["AUTH PLAIN", Data("\0ada\0hunter2".utf8).base64EncodedString()]
        let login = ["AUTH LOGIN", Data("ada".utf8).base64EncodedString(), Data("hunter2".utf8).base64EncodedString()]
        #expect(heard.dropFirst().starts(with: isPlain ? plain : login))
    }

    @Test(
        "No failure holds the password, though the server repeats what it was sent",
        arguments: [["PLAIN"], ["PLAIN", "334 "], ["LOGIN"], ["LOGIN", "334 "], ["LOGIN", "334 ", "334 "]]
    )
    func authenticationRefused(script: [String]) async throws {
        let forms = [
            "hunter2", Data("\0ada\0hunter2".utf8).base64EncodedString(), Data("hunter2".utf8).base64EncodedString(),
        ]
        let refusal = "535 5.7.8 No: \(forms.joined(separator: " ")) hun\u{0}ter2\u{200B} hunter2\u{301}"
        let (failure, heard) = try await Self.send(
            [.say("220 x"), .say("250-x\r\n250 AUTH \(script[0])")] + script.dropFirst().map { .say($0) } + [
                .say(refusal)
            ],
            url: "smtp://ada:hunter2@127.0.0.1"
        )
        #expect(
            failure?.message
                .hasSuffix(
                    " refused the user name and password, with the answer “535 5.7.8 No: **** **** **** **** ****\u{301}”."
                ) == true
        )
        #expect(heard.last == "QUIT" && !heard.contains { $0.hasPrefix("MAIL") })
    }

    @Test("Without a known way to authenticate, nothing is sent")
    func authenticationNotOffered() async throws {
        let (failure, heard) = try await Self.send(
            [.say("220 x"), .say("250-x\r\n250 AUTH GSSAPI")],
            url: "smtp://ada:hunter2@127.0.0.1"
        )
        #expect(failure?.message.contains("offers neither AUTH PLAIN nor AUTH LOGIN") == true)
        #expect(heard == ["EHLO client.example.org", "QUIT"])
    }

    // MARK: TLS

    // To this address systems connect as to 127.0.0.1, but it is not known as one of this machine's own.
    private static let elsewhere = "0.0.0.0"

    @Test("A server elsewhere that has no STARTTLS hears neither password nor message")
    func startTLSRequired() async throws {
        let (failure, heard) = try await Self.send(
            [.say("220 x"), .say("250-x\r\n250 AUTH PLAIN")],
            url: "smtp://ada:hunter2@\(Self.elsewhere)"
        )
        #expect(failure?.message.contains("does not offer STARTTLS") == true)
        #expect(heard == ["EHLO client.example.org", "QUIT"])
    }

    @Test("A server elsewhere may do without TLS when the operator says so, and STARTTLS is not used then")
    func withoutTLS() async throws {
        let (failure, heard) = try await Self.send(
            [.say("220 x"), .say("250-x\r\n250 STARTTLS")] + Self.delivery,
            url: "smtp://\(Self.elsewhere)?tls=none"
        )
        #expect(failure == nil && !heard.contains("STARTTLS"))
    }

    @Test("With STARTTLS the server is asked again what it can do, and what it said before is forgotten")
    func startTLS() async throws {
        let certificate = try await TestCertificate()
        let (failure, heard) = try await Self.send(
            [
                .say("220 x"), .say("250-x\r\n250-STARTTLS\r\n250-SIZE\r\n250 AUTH LOGIN"), .beginTLS("220 Go"),
                .say("250-x\r\n250 AUTH PLAIN"), .say("334 "), .say("235 OK"),
            ] + Self.delivery,
            url: "smtp://ada:hunter2@localhost",
            server: ScriptedServer(tls: certificate.context),
            trustRoots: certificate.path
        )
        #expect(failure == nil, "\(failure?.message ?? "")")
        #expect(
            heard.prefix(6) == [
                "EHLO client.example.org", "STARTTLS", "EHLO client.example.org", "AUTH PLAIN", "AGFkYQBodW50ZXIy",
                "MAIL FROM:<no-reply@example.org>",
            ]
        )
    }

    @Test("TLS from the first byte works too")
    func implicitTLS() async throws {
        let certificate = try await TestCertificate()
        let (failure, heard) = try await Self.send(
            [.say("220 x"), .say("250 x")] + Self.delivery,
            url: "smtps://localhost",
            server: ScriptedServer(tls: certificate.context, isImplicitTLS: true),
            trustRoots: certificate.path
        )
        #expect(failure == nil, "\(failure?.message ?? "")")
        #expect(heard.count == 6)
    }

    @Test(
        "A certificate must be trusted and for the server's name or address",
        arguments: [
            ("smtp://localhost", false), ("smtp://127.0.0.1", true), ("smtps://localhost", false),
            ("smtps://127.0.0.1", true),
        ]
    )
    func certificates(url: String, isTrusted: Bool) async throws {
        let certificate = try await TestCertificate()
        let isImplicit = url.hasPrefix("smtps")
        let (failure, heard) = try await Self.send(
            isImplicit ? [.say("220 x")] : [.say("220 x"), .say("250-x\r\n250 STARTTLS"), .beginTLS("220 Go")],
            url: url,
            server: ScriptedServer(tls: certificate.context, isImplicitTLS: isImplicit),
            trustRoots: isTrusted ? certificate.path : nil
        )
        #expect(failure?.message.contains("its certificate must be for this name and from a trusted authority") == true)
        #expect(heard == (isImplicit ? [] : ["EHLO client.example.org", "STARTTLS"]))
    }

    @Test("A server that refuses STARTTLS after all hears nothing in the clear")
    func startTLSRefused() async throws {
        let (failure, heard) = try await Self.send([.say("220 x"), .say("250-x\r\n250 STARTTLS"), .say("454 Not now")])
        #expect(failure?.message.hasSuffix(" refused STARTTLS, with the answer “454 Not now”.") == true)
        #expect(heard == ["EHLO client.example.org", "STARTTLS", "QUIT"])
    }

    @Test(
        "Bytes slipped in behind the answer to STARTTLS end the conversation",
        arguments: ["220 Go\r\n250-x\r\n250 AUTH PLAIN", "220 Go\r\n2", "220 Go\r\n\r\n"]
    )
    func startTLSInjection(answer: String) async throws {
        let (failure, heard) = try await Self.send(
            [.say("220 x"), .say("250-x\r\n250 STARTTLS"), .say(answer)],
            url: "smtp://ada:hunter2@\(Self.elsewhere)"
        )
        #expect(failure?.message.hasSuffix(" sent more than it was asked for.") == true)
        #expect(heard == ["EHLO client.example.org", "STARTTLS"])
    }

    @Test("Authorities that cannot be read are refused at once, not at the first message")
    func trustRoots() throws {
        let server = try SMTPServer(url: "smtps://h")
        let failure = #expect(throws: Failure.self) { try Self.transport(server, trustRoots: "/nowhere/ca.pem") }
        #expect(failure?.code == .invalidRequest)
    }

    // MARK: Servers that do not behave

    @Test("A server may leave at any moment", arguments: 0...5)
    func leaves(step: Int) async throws {
        let script: [Answer] = [.say("220 x"), .say("250 x")] + Self.delivery
        let (failure, heard) = try await Self.send(script[..<step] + [.close()])
        #expect(failure?.message.hasSuffix(" closed the connection.") == true)
        #expect(heard.count == step)
    }

    @Test(
        "A message that was taken is sent, though the server leaves without a word",
        arguments: ["", "2", "nonsense\r\n"]
    )
    func leavesAtTheEnd(words: String) async throws {
        let (failure, _) = try await Self.send(
            [.say("220 x"), .say("250 x")] + Self.delivery + [.close(saying: words)]
        )
        #expect(failure == nil)
    }

    @Test("A server that says nothing is left when the time is over", arguments: 0...5)
    func silence(step: Int) async throws {
        let script: [Answer] = [.say("220 x"), .say("250 x")] + Self.delivery
        let (failure, _) = try await Self.send(script[..<step] + [.silence()], duration: .milliseconds(300))
        #expect(failure?.message.hasSuffix(" did not answer in time; all had to be done within 0.3 seconds.") == true)
    }

    @Test(
        "An answer without end is not waited for",
        arguments: [("220 a", "line of more than 1000 bytes"), ("220-a\r\n", "more than 100 lines")]
    )
    func flood(text: String, part: String) async throws {
        let (failure, _) = try await Self.send([.flood(text)])
        #expect(failure?.message.contains(part) == true)
    }

    @Test(
        "What is no SMTP is not answered",
        arguments: ["SSH-2.0-OpenSSH_9.2", "220 x\n", "220-a\r\n250 b", "220 x\r\n220 x", "220 x\r\nnonsense"]
    )
    func otherProtocols(text: String) async throws {
        let (failure, heard) = try await Self.send([.say(text)])
        #expect(failure != nil && heard.isEmpty)
    }

    @Test("A server that is not there is named")
    func unreachable() async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        let transport = try Self.transport(SMTPServer(url: "smtp://127.0.0.1:\(port)"))
        let failure = try #require(await transport.send([try Self.message()]).first ?? nil)
        #expect(failure.code == .unavailable)
        #expect(failure.message.hasPrefix("The mail server 127.0.0.1:\(port) could not be reached"))
    }

    @Test("A cancelled task waits for no server", arguments: 0...5)
    func cancellation(step: Int) async throws {
        let (silence, reached) = AsyncStream.makeStream(of: Void.self)
        let script: [Answer] = [.say("220 x"), .say("250 x")] + Self.delivery
        let (outcomes, _) = try await ScriptedServer()
            .run(script[..<step] + [.silence { reached.finish() }]) { port in
                let transport = try Self.transport(SMTPServer(url: "smtp://127.0.0.1:\(port)"))
                let messages = [try Self.message(), try Self.message()]
                return await withTaskGroup(of: [Failure?].self) { group in
                    group.addTask { await transport.send(messages) }
                    for await _ in silence {}
                    group.cancelAll()
                    return await group.next() ?? []
                }
            }
        #expect(outcomes.map { $0?.message.hasSuffix(" was left, because the task was cancelled.") } == [true, true])
    }

    @Test("A task that was cancelled before it began leaves no connection behind")
    func cancelledBefore() async throws {
        let (outcomes, heard) = try await ScriptedServer()
            .run([.silence()]) { port in
                let transport = try Self.transport(SMTPServer(url: "smtp://127.0.0.1:\(port)"))
                let message = try Self.message()
                return await withTaskGroup(of: [Failure?].self) { group in
                    group.cancelAll()
                    group.addTask { await transport.send([message]) }
                    return await group.next() ?? []
                }
            }
        #expect(outcomes.map { $0?.message.hasSuffix(" was left, because the task was cancelled.") } == [true])
        #expect(heard.isEmpty)
    }
}
