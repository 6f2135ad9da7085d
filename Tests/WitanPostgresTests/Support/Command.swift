import Foundation
import Subprocess
import SystemPackage
import Testing

/// A program that ran to its end.
struct Command: Sendable, CustomStringConvertible {
    let words: [String]
    let isSuccess: Bool
    let output: String
    let error: String

    var description: String { "\(words.joined(separator: " ")): \(isSuccess)\n\(output)\(error)" }

    /// Runs a program and expects it to succeed; its output without the last newline.
    @discardableResult
    static func run(
        _ words: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let command = try await attempt(words)
        try #require(command.isSuccess, "\(command)", sourceLocation: sourceLocation)
        return command.output.trimmingCharacters(in: .newlines)
    }

    /// Runs a program that may fail.
    static func attempt(_ words: [String]) async throws -> Command {
        let result = try await Subprocess.run(
            executable(words[0]),
            arguments: Arguments(Array(words.dropFirst())),
            workingDirectory: "/",
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        return Command(
            words: words,
            isSuccess: result.terminationStatus == .exited(0),
            output: result.standardOutput,
            error: result.standardError
        )
    }

    /// Runs a program that lives as long as `body` runs, and in no case longer than this process.
    ///
    /// It is told to end by its standard input's end. `body` is given the first line that it prints.
    static func whileRunning<Result: Sendable>(
        _ words: [String],
        without variable: String? = nil,
        _ body: (String) async throws -> Result
    ) async throws -> Result {
        let ended = try await Subprocess.run(
            executable(words[0]),
            arguments: Arguments(Array(words.dropFirst())),
            environment: variable.map { .inherit.updating([Environment.Key(stringLiteral: $0): nil]) } ?? .inherit,
            workingDirectory: "/",
            input: .inputWriter,
            output: .sequence,
            error: .string(limit: 1 << 20)
        ) { execution in
            var line: String?
            for try await first in execution.standardOutput.strings() {
                line = first
                break
            }
            return try await body(try #require(line, "\(words) printed nothing"))
        }
        return ended.takeClosureResult()
    }

    private static func executable(_ name: String) -> Executable {
        name.contains("/") ? .path(FilePath(name)) : .name(name)
    }

    /// The words that run a program as the one who owns the servers: PostgreSQL and pgbouncer refuse to be root's.
    static func asOwner(_ words: String...) -> [String] {
        geteuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] + words : words
    }
}
