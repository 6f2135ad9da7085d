import Foundation
import Testing

/// A schema of the tests' PostgreSQL that one test has for itself, used as a database of its own.
struct PostgresSchema: Sendable {
    /// The URL of the server to test with; nil without one.
    static let server = ProcessInfo.processInfo.environment["WITAN_TEST_DATABASE_URL"]

    /// Whether there is a server to test with.
    static let isAvailable = server != nil

    /// The schema's URL.
    let url: String

    /// Makes a schema while the closure uses it.
    @discardableResult
    static func with<Result>(_ body: (PostgresSchema) async throws -> Result) async throws -> Result {
        let server = try #require(server)
        let name = "process_\(UUID().uuidString.lowercased().replacing("-", with: ""))"
        let schema = PostgresSchema(url: url(server, "options=-csearch_path%3D\(name)"))
        try await run("CREATE SCHEMA \(name)", on: server)
        let drop = "SET client_min_messages = warning; DROP SCHEMA \(name) CASCADE"
        do {
            let result = try await body(schema)
            try await run(drop, on: server)
            return result
        } catch {
            // What went wrong before is what to tell of.
            _ = try? await run(drop, on: server)
            throw error
        }
    }

    /// What names it to the commands.
    var environment: [String: String] { ["WITAN_DATABASE_URL": url] }

    /// Runs statements and gives what they print, without the last newline.
    @discardableResult
    func query(_ statements: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        try await Self.run(statements, on: url, sourceLocation: sourceLocation)
    }

    /// Everything that is in it, as text.
    func contents(sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        let name = try #require(url.split(separator: "search_path%3D").last, sourceLocation: sourceLocation)
        return
            try await Command.run(
                "pg_dump",
                "--schema=\(name)",
                "--dbname=\(try #require(Self.server))",
                sourceLocation: sourceLocation
            )
            .output
            .split(separator: "\n")
            // A new word for each dump.
            .filter { !$0.hasPrefix("\\") }
            .joined(separator: "\n")
    }

    /// A URL with one more parameter.
    static func url(_ url: String, _ parameter: String) -> String {
        url + (url.contains("?") ? "&" : "?") + parameter
    }

    /// Runs statements on any database and gives what they print, without the last newline.
    @discardableResult
    static func run(
        _ statements: String,
        on url: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let arguments = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
        return
            try await Command.run(
                "psql",
                arguments + ["--command=\(statements)", url],
                sourceLocation: sourceLocation
            )
            .output.trimmingCharacters(in: .newlines)
    }
}
