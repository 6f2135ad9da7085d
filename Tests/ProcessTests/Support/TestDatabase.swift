import Foundation
import Testing

/// An empty place for an installation, on either engine.
struct TestDatabase: Sendable {
    /// What keeps the data.
    enum Engine: String, CaseIterable, CustomTestStringConvertible {
        case sqlite
        case postgres

        /// PostgreSQL only where there is a server for the tests.
        static let available: [Engine] = PostgresSchema.isAvailable ? allCases : [.sqlite]

        var testDescription: String { rawValue }

        /// Makes a place while the closure uses it.
        @discardableResult
        func with<Result>(_ body: (TestDatabase) async throws -> Result) async throws -> Result {
            let folder = try TemporaryFolder()
            switch self {
            case .sqlite: return try await body(TestDatabase(folder: folder, schema: nil))
            case .postgres:
                return try await PostgresSchema.with { schema in
                    try await body(TestDatabase(folder: folder, schema: schema))
                }
            }
        }
    }

    let folder: TemporaryFolder
    private let schema: PostgresSchema?

    /// What keeps its data.
    var engine: Engine { schema == nil ? .sqlite : .postgres }

    private init(folder: TemporaryFolder, schema: PostgresSchema?) {
        self.folder = folder
        self.schema = schema
    }

    private var environment: [String: String] { schema?.environment ?? [:] }

    /// Runs a command on the data and waits for its end.
    func witan(_ arguments: String...) async throws -> Command {
        try await Command.witan(arguments + ["--data", folder.data], environment: environment)
    }

    /// Runs a server on the data while the closure does.
    @discardableResult
    func serve<Result: Sendable>(
        _ arguments: String...,
        body: (ServerProcess) async throws -> Result
    ) async throws -> ServerProcess.Ended<Result> {
        try await ServerProcess.run(folder.data, arguments, environment: environment, body)
    }

    /// Runs a statement behind the server's back and gives what it prints, without the last newline.
    func query(_ statement: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        if let schema { return try await schema.query(statement, sourceLocation: sourceLocation) }
        return
            try await Command.run(
                "sqlite3",
                "\(folder.data)/witan.db",
                statement,
                sourceLocation: sourceLocation
            )
            .output.trimmingCharacters(in: .newlines)
    }
}
