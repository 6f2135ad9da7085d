import Foundation
import Testing

/// A pgbouncer in transaction mode, which hands each transaction the server connection that is free.
struct Pooler: Sendable {
    /// Where its socket is.
    let folder: String

    static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/sbin/pgbouncer")

    /// The URL of a database through it.
    func url(_ database: String = "postgres", _ parameters: String...) -> String {
        let more = parameters.map { "&\($0)" }.joined()
        return "postgres:///\(database)?host=\(folder)&port=6432&user=postgres\(more)"
    }

    /// Starts one before a server while `body` uses it.
    static func with<Result: Sendable>(
        before server: PostgresInstance,
        connections: Int,
        _ body: (Pooler) async throws -> Result
    ) async throws -> Result {
        let folder = "/tmp/witan-pgbouncer.\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer {
            // What stays behind in the system's temporary folder harms nobody.
            try? FileManager.default.removeItem(atPath: folder)
        }
        let settings = """
            [databases]
            * = host=\(server.folder) port=\(server.port) user=postgres
            [pgbouncer]
            unix_socket_dir = \(folder)
            listen_port = 6432
            logfile = \(folder)/log
            auth_type = any
            pool_mode = transaction
            default_pool_size = \(connections)
            max_client_conn = 500

            """
        try settings.write(toFile: "\(folder)/pgbouncer.ini", atomically: false, encoding: .utf8)
        if geteuid() == 0 { try await Command.run("chown", "-R", "postgres", folder) }
        // It says that it is there once its socket is, and ends when its standard input does.
        let hold = """
            "$@" & child=$!
            until [[ -S \(folder)/.s.PGSQL.6432 ]]; do kill -0 "$child" || exit 1; sleep 0.02; done
            echo ready
            cat >/dev/null
            kill "$child"; wait "$child"
            """
        let program = Command.asOwner("/usr/sbin/pgbouncer", "--quiet", "\(folder)/pgbouncer.ini")
        return try await Command.whileRunning(["bash", "-c", hold, "bash"] + program) { _ in
            try await body(Pooler(folder: folder))
        }
    }
}
