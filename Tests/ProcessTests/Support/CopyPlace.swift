import Foundation
import Testing

/// An empty database that `witan copy` can fill.
struct CopyPlace: Sendable {
    /// Which engine keeps it.
    enum Kind: String, CaseIterable, CustomTestStringConvertible {
        case sqlite
        case postgres

        /// PostgreSQL only where there is a server for the tests.
        static let available: [Kind] = server == nil ? [.sqlite] : [.sqlite, .postgres]

        fileprivate static let server = ProcessInfo.processInfo.environment["WITAN_TEST_DATABASE_URL"]

        var testDescription: String { rawValue }

        /// Makes a database while the closure uses it.
        func with(_ folder: TemporaryFolder, _ name: String, _ body: (CopyPlace) async throws -> Void) async throws {
            switch self {
            case .sqlite:
                try await body(CopyPlace(url: "sqlite:\(folder.path(name))", file: "\(folder.path(name))/witan.db"))
            case .postgres:
                let server = try #require(Self.server)
                let schema = "copy_\(UUID().uuidString.lowercased().replacing("-", with: ""))"
                try await Command.run("psql", server, "-qc", "CREATE SCHEMA \(schema)")
                do {
                    let separator = server.contains("?") ? "&" : "?"
                    try await body(
                        CopyPlace(url: "\(server)\(separator)options=-csearch_path%3D\(schema)", file: nil)
                    )
                } catch {
                    try await Self.drop(schema, on: server)
                    throw error
                }
                try await Self.drop(schema, on: server)
            }
        }

        private static func drop(_ schema: String, on server: String) async throws {
            try await Command.run(
                "psql",
                server,
                "-qc",
                "SET client_min_messages = warning; DROP SCHEMA \(schema) CASCADE"
            )
        }
    }

    /// What `--from` and `--to` take.
    let url: String

    /// The file of an SQLite database.
    let file: String?

    /// What tells other commands to use it.
    var options: [String] {
        if let file { return ["--data", URL(filePath: file).deletingLastPathComponent().path] }
        return ["--database-url", url]
    }

    /// How many rows a copy that is under way has written; 0 before it begins.
    func copiedRows() async throws -> Int {
        let query = "SELECT COALESCE(SUM(copied), 0) FROM copy_progress"
        let command =
            if let file {
                try await Command.attempt("sqlite3", "-readonly", file, query)
            } else {
                try await Command.attempt("psql", url, "-qAtc", query)
            }
        return Int(command.output.trimmingCharacters(in: .newlines)) ?? 0
    }

    /// Its rows as SQLite prints them, sorted; those of PostgreSQL by way of another copy.
    func rows(_ folder: TemporaryFolder) async throws -> [Substring] {
        if let file { return try await Self.rows(of: file) }
        let back = folder.path("back-\(UUID().uuidString)")
        try await Command.witan("copy", "--from", url, "--to", "sqlite:\(back)").expectSuccess()
        return try await Self.rows(of: "\(back)/witan.db")
    }

    /// The rows of an SQLite database, but for the steps of its schema.
    static func rows(of file: String) async throws -> [Substring] {
        try await Command.run("sqlite3", "-readonly", file, ".dump --data-only").output
            .split(separator: "\n")
            .filter { $0.hasPrefix("INSERT INTO") && !$0.hasPrefix("INSERT INTO schema_migrations") }
            .sorted()
    }
}
