import Foundation
import Subprocess
import SystemPackage
import Testing

/// A PostgreSQL server that a test has for itself: it stops it, kills its processes and says who may connect.
struct PostgresServer: Sendable {
    /// Where its data and its socket are.
    let folder: String

    private let programs: String

    /// Starts a server while the closure uses it.
    @discardableResult
    static func with<Result: Sendable>(_ body: (PostgresServer) async throws -> Result) async throws -> Result {
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Support/with-postgres").standardizedFileURL.path
        // It prints the server's folder and where its programs are, and ends with its standard input.
        let hold = """
            folder=${WITAN_TEST_DATABASE_URL#*host=}; folder=${folder%%&*}
            program=$(readlink "/proc/$(head -n 1 "$folder/data/postmaster.pid")/exe")
            echo "$folder $(dirname "$program")"
            exec cat >/dev/null
            """
        let ended = try await Subprocess.run(
            .path(FilePath(script)),
            arguments: ["bash", "-c", hold],
            environment: .inherit(adding: [:]),
            input: .inputWriter,
            output: .sequence,
            error: .string(limit: 1 << 20)
        ) { execution in
            var line: String?
            for try await first in execution.standardOutput.strings() {
                line = first
                break
            }
            let words = try #require(line, "with-postgres printed nothing").split(separator: " ").map(String.init)
            return try await body(PostgresServer(folder: words[0], programs: words[1]))
        }
        return ended.takeClosureResult()
    }

    /// The URL of its database, with more parameters, for the one who may do everything.
    func url(_ parameters: String...) -> String {
        "postgres:///postgres?" + (["host=\(folder)", "user=postgres"] + parameters).joined(separator: "&")
    }

    /// What names the database to the commands.
    var environment: [String: String] { ["WITAN_DATABASE_URL": url()] }

    /// Runs statements and gives what they print, without the last newline.
    @discardableResult
    func query(_ statements: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        try await PostgresSchema.run(statements, on: url(), sourceLocation: sourceLocation)
    }

    /// Says who may connect, in place of everybody; holds from the next start.
    func allow(_ lines: String...) throws {
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: "\(folder)/data/pg_hba.conf"))
    }

    // MARK: Starting and stopping

    /// Starts it.
    func start() async throws {
        try await run("pg_ctl", "--pgdata=\(folder)/data", "--wait", "--silent", "--log=\(folder)/server.log", "start")
    }

    /// Stops it: `fast` ends the sessions, and `immediate` is a crash that leaves recovery to the next start.
    func stop(_ mode: String = "fast") async throws {
        try await run("pg_ctl", "--pgdata=\(folder)/data", "--wait", "--silent", "--mode=\(mode)", "stop")
    }

    /// Starts it after it was killed, once what is left of it is gone.
    func startAfterCrash() async throws {
        let words = ["--pgdata=\(folder)/data", "--wait", "--silent", "--log=\(folder)/server.log", "start"]
        try await eventually("a database that starts") { try await attempt("pg_ctl", words).isSuccess }
    }

    /// Makes another server that follows this one, in a folder of that name, and gives its URL.
    func makeReplica(_ name: String) async throws -> String {
        let data = "\(folder)/\(name)"
        try await run(
            "pg_basebackup",
            "--pgdata=\(data)",
            "--dbname=\(url())",
            "--checkpoint=fast",
            "--write-recovery-conf",
            "--no-sync"
        )
        // A port is the end of a socket's name.
        try await run(
            "pg_ctl",
            "--pgdata=\(data)",
            "--wait",
            "--silent",
            "--log=\(data).log",
            "--options=-c port=5433",
            "start"
        )
        return url("port=5433")
    }

    /// Stops a server that follows this one.
    func stopReplica(_ name: String) async throws {
        try await run("pg_ctl", "--pgdata=\(folder)/\(name)", "--wait", "--silent", "--mode=immediate", "stop")
    }

    private func run(
        _ program: String,
        _ arguments: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let command = try await attempt(program, arguments)
        try #require(command.isSuccess, "\(command)", sourceLocation: sourceLocation)
    }

    /// Runs one of its programs as the one who owns its files, since it refuses to be root's.
    private func attempt(_ program: String, _ arguments: [String]) async throws -> Command {
        let owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        let words = (geteuid() == 0 ? owner : []) + ["\(programs)/\(program)"] + arguments
        return try await Command.attempt("env", ["--chdir=/"] + words, environment: [:])
    }

    // MARK: Its processes

    /// The process that starts the others.
    func postmaster() throws -> CInt {
        let lines = try text(of: "\(folder)/data/postmaster.pid").split(separator: "\n")
        return try #require(lines.first.flatMap { CInt($0) })
    }

    /// The processes that serve nodes.
    func backends() async throws -> [CInt] {
        try await query("SELECT pid FROM pg_stat_activity WHERE application_name = 'witan' ORDER BY pid")
            .split(separator: "\n").compactMap { CInt($0) }
    }

    /// Stops it in the middle of whatever it does, as a machine that hangs, until the closure ends.
    func whilePaused<Result>(_ body: () async throws -> Result) async throws -> Result {
        let postmaster = try postmaster()
        let children = try await Command.attempt("pgrep", "--parent", "\(postmaster)").output
        let processes = [postmaster] + children.split(separator: "\n").compactMap { CInt($0) }
        for process in processes { kill(process, SIGSTOP) }
        defer { for process in processes { kill(process, SIGCONT) } }
        return try await body()
    }
}
