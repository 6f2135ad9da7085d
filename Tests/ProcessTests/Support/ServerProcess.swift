import Subprocess
import Synchronization
import SystemPackage
import Testing
import WitanJSON

/// A `witan serve` that runs while a closure does.
struct ServerProcess: Sendable {
    /// What a server left behind.
    struct Ended<Result: Sendable>: Sendable {
        let result: Result
        let end: ProcessEnd
        /// What it wrote to standard output.
        let output: String
        /// What it wrote to standard error.
        let log: String

        /// The key that it printed, if it printed one.
        var printedKey: String? { ServerProcess.key(in: output) }
    }

    /// A server that ended before it listened.
    struct DidNotStart: Error, CustomStringConvertible {
        let description: String
    }

    let url: String
    let processID: CInt
    private let transcript: Transcript
    private let sendSignal: @Sendable (Signal) throws -> Void

    /// Starts a server on any port, waits until it listens, and hands it to the closure.
    ///
    /// Ends it with SIGTERM afterwards, unless the closure has sent a signal, and waits for its end.
    @discardableResult
    static func run<Result: Sendable>(
        _ data: String,
        _ arguments: String...,
        environment: [String: String] = [:],
        _ body: (ServerProcess) async throws -> Result
    ) async throws -> Ended<Result> {
        try await run(data, arguments, environment: environment, body)
    }

    /// The same with the arguments in one list.
    @discardableResult
    static func run<Result: Sendable>(
        _ data: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        _ body: (ServerProcess) async throws -> Result
    ) async throws -> Ended<Result> {
        let transcript = Transcript()
        let ended = try await Subprocess.run(
            .path(FilePath(WitanBinary.path)),
            arguments: Arguments(["serve", "--port", "0", "--data", data] + arguments),
            environment: .inherit(adding: environment),
            input: .none,
            output: .sequence,
            error: .sequence
        ) { execution in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await line in execution.standardOutput.strings() { transcript.addOutput(line) }
                    transcript.endOutput()
                }
                group.addTask {
                    for try await line in execution.standardError.strings() { transcript.addLog(line) }
                }
                let result: Result
                do {
                    let url = try await within(.seconds(60), "the server's start") { try await transcript.url() }
                    let server = ServerProcess(
                        url: url,
                        processID: execution.processIdentifier.value,
                        transcript: transcript,
                        sendSignal: { try execution.send(signal: $0) }
                    )
                    result = try await body(server)
                    if !transcript.wasSignalled { try server.terminate() }
                    try await within(.seconds(60), "the server's end") { await transcript.ended() }
                } catch {
                    await execution.teardown(using: [])
                    throw error
                }
                try await group.waitForAll()
                return result
            }
        }
        let end = ProcessEnd(ended.terminationStatus)
        return Ended(
            result: ended.takeClosureResult(),
            end: end,
            output: transcript.output,
            log: transcript.log
        )
    }

    /// The port that it listens on.
    var port: Int { url.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

    /// The key that it printed when it started; only the first server on a database prints one.
    var foundersKey: String? { Self.key(in: transcript.output) }

    /// The key that it must have printed when it started.
    func printedKey() throws -> String { try #require(foundersKey) }

    private static func key(in output: String) -> String? {
        output.firstMatch(of: /API key +(sk-\w+)/).map { String($0.1) }
    }

    /// Its API, as the owner of a key.
    func client(key: String) -> APIClient { APIClient(url: url, key: key) }

    /// Has it terminate while a request is under way that never ends, and waits until it has cut that off.
    func terminateDuringRequest() async throws {
        let key = try printedKey()
        try await RawConnection.open(to: self) { connection in
            try await connection.send(
                "POST /v1/api_key HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(key)\r\nContent-Length: 15\r\n\r\n{"
            )
            try await waitForRequests(underWay: 2)
            try terminate()
            _ = try await connection.readToEnd()
        }
    }

    /// Has it refuse so often that it only counts, and has something to write in the end.
    func refuseSomething() async throws {
        let client = client(key: try printedKey())
        for _ in 1...15 {
            let answer = try await client.send("POST", "/v1/api_key", body: ["name": "x", "org_name": "Nobody's"])
            #expect(answer.status == 403)
        }
    }

    /// Waits until it says that so many requests are under way, with the one that asks.
    func waitForRequests(underWay count: Int) async throws {
        let client = client(key: "")
        while try await !client.send("GET", "/metrics").text.contains("\nwitan_http_requests_in_flight \(count)\n") {}
    }

    /// Waits until it has ended.
    func waitForEnd() async throws {
        try await within(.seconds(60), "the server's end") { [transcript] in await transcript.ended() }
    }

    /// Sends it SIGTERM.
    func terminate() throws { try send(.terminate) }

    /// Sends it SIGINT.
    func interrupt() throws { try send(.interrupt) }

    /// Sends it SIGKILL.
    func kill() throws { try send(.kill) }

    private func send(_ signal: Signal) throws {
        transcript.noteSignal()
        try sendSignal(signal)
    }
}

/// What a server writes, line by line.
private final class Transcript: Sendable {
    private struct State {
        var output = ""
        var log = ""
        var wasSignalled = false
    }

    private let state = Mutex(State())
    private let lines: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation
    private let end: AsyncStream<Never>
    private let endContinuation: AsyncStream<Never>.Continuation

    init() {
        (lines, continuation) = AsyncStream.makeStream()
        (end, endContinuation) = AsyncStream.makeStream()
    }

    var output: String { state.withLock(\.output) }
    var log: String { state.withLock(\.log) }
    var wasSignalled: Bool { state.withLock(\.wasSignalled) }

    func noteSignal() { state.withLock { $0.wasSignalled = true } }

    func addOutput(_ line: String) {
        state.withLock { $0.output += line + "\n" }
        continuation.yield(line)
    }

    func addLog(_ line: String) {
        state.withLock { $0.log += line + "\n" }
    }

    func endOutput() {
        continuation.finish()
        endContinuation.finish()
    }

    /// The address in the line that the server prints when it listens.
    func url() async throws -> String {
        for await line in lines {
            if let match = line.firstMatch(of: /listens on (\S+)$/) { return String(match.1) }
        }
        throw ServerProcess.DidNotStart(description: "The server did not start: \(log)")
    }

    /// Waits until the server has closed its standard output, which it does only by ending.
    func ended() async {
        for await _ in end {}
    }
}
