import Foundation
import Testing
import WitanCore
import WitanEngines
import WitanPostgres
import WitanStorage

/// A PostgreSQL server that tests have for themselves: they stop it, pause its processes and change its settings.
struct PostgresInstance: Sendable {
    /// Where its data and its socket are.
    let folder: String

    private let binaries: String

    /// The number in its socket's name, and its port where it listens on one.
    private(set) var port = 5_432

    /// Whether there are servers at all.
    static let isAvailable = PostgresPlace.server != nil

    /// Starts a server with these settings while `body` uses it.
    static func with<Result: Sendable>(
        _ settings: [String: String] = [:],
        _ body: (PostgresInstance) async throws -> Result
    ) async throws -> Result {
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Support/with-postgres").standardizedFileURL.path
        // It prints the server's folder and where its program is, and ends at the end of its standard input.
        let hold = """
            folder=${WITAN_TEST_DATABASE_URL#*host=}; folder=${folder%%&*}
            program=$(readlink "/proc/$(head -n 1 "$folder/data/postmaster.pid")/exe")
            echo "$folder $(dirname "$program")"
            exec cat >/dev/null
            """
        return try await Command.whileRunning(
            [script, "bash", "-c", hold],
            without: "WITAN_TEST_DATABASE_URL"
        ) { line in
            let words = line.split(separator: " ").map(String.init)
            let instance = PostgresInstance(folder: try #require(words.first), binaries: try #require(words.last))
            if !settings.isEmpty {
                try instance.configure(settings)
                try await instance.restart()
            }
            return try await body(instance)
        }
    }

    var data: String { "\(folder)/data" }

    /// The URL of a database of it, for the one who may do everything.
    func url(_ database: String = "postgres", _ parameters: String...) -> String {
        let more = parameters.map { "&\($0)" }.joined()
        return "postgres:///\(database)?host=\(folder)&port=\(port)&user=postgres\(more)"
    }

    /// The path of a program that comes with the server.
    func program(_ name: String) -> String { "\(binaries)/\(name)" }

    // MARK: Settings

    /// Adds settings, which hold from the next start or reload.
    func configure(_ settings: [String: String]) throws {
        let lines = settings.map { "\($0.key) = \($0.value)\n" }.joined()
        let handle = try #require(FileHandle(forWritingAtPath: "\(data)/postgresql.conf"))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(lines.utf8))
        try handle.close()
    }

    /// Says who may connect, in place of everybody.
    func allow(_ lines: String...) throws {
        try (lines.joined(separator: "\n") + "\n")
            .write(toFile: "\(data)/pg_hba.conf", atomically: false, encoding: .utf8)
    }

    // MARK: Starting and stopping

    /// The same server after a restart with settings, listening on a port of this machine's own addresses.
    func listening(settings: [String: String]) async throws -> PostgresInstance {
        var instance = self
        try await stop()
        // Somebody else may take a port that was free a moment ago.
        for attempt in 1...5 {
            instance.port = try Self.freePort()
            try configure(
                settings.merging(["port": "\(instance.port)", "listen_addresses": "'127.0.0.1,::1'"]) { $1 }
            )
            do {
                try await instance.start()
                return instance
            } catch  where attempt < 5 {
                continue
            }
        }
        return instance
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
            }
        }
        try #require(isBound)
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Starts it.
    func start() async throws {
        try await control("start", "--log=\(folder)/server.log")
    }

    /// Stops it: `fast` ends the connections, and `immediate` is as if the machine had failed.
    func stop(_ mode: String = "fast") async throws {
        try await control("stop", "--mode=\(mode)")
    }

    func restart(_ mode: String = "fast") async throws {
        try await stop(mode)
        try await start()
    }

    func reload() async throws {
        try await control("reload")
    }

    private func control(_ words: String...) async throws {
        let control = Command.asOwner(program("pg_ctl"), "--pgdata=\(data)", "--wait", "--silent")
        let command = try await Command.attempt(control + words)
        try #require(command.isSuccess, "\(command)")
    }

    /// What it has logged.
    func log() throws -> String { try String(contentsOfFile: "\(folder)/server.log", encoding: .utf8) }

    // MARK: Statements

    /// Runs statements, each by itself, as the one who may do everything; the rows' first column.
    @discardableResult
    func execute(_ statements: String..., database: String = "postgres") async throws -> [String] {
        try await Self.execute(statements, on: url(database))
    }

    /// The same on any server.
    @discardableResult
    static func execute(_ statements: [String], on url: String) async throws -> [String] {
        var words = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
        for statement in statements { words.append("--command=\(statement)") }
        let command = try await Command.attempt(words + [url])
        try #require(command.isSuccess, "\(command)")
        return command.output.split(separator: "\n").map(String.init)
    }
}
