import Foundation
import Subprocess
import SystemPackage
import Testing
import WitanJSON

/// A program that ran to its end.
struct Command: Sendable, CustomStringConvertible {
    let words: [String]
    let end: ProcessEnd
    let output: String
    let error: String

    var isSuccess: Bool { end == .code(0) }

    var description: String { "\(words.joined(separator: " ")): \(end)\n\(output)\(error)" }

    /// Runs `witan` and waits for its end.
    static func witan(_ arguments: String..., environment: [String: String] = [:]) async throws -> Command {
        try await witan(arguments, environment: environment)
    }

    /// Runs `witan` and waits for its end.
    static func witan(_ arguments: [String], environment: [String: String] = [:]) async throws -> Command {
        try await run(.path(FilePath(WitanBinary.path)), "witan", arguments, environment)
    }

    /// Runs a program of the system and expects it to succeed.
    @discardableResult
    static func run(
        _ name: String,
        _ arguments: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Command {
        try await run(name, arguments, sourceLocation: sourceLocation)
    }

    /// Runs a program of the system and expects it to succeed.
    @discardableResult
    static func run(
        _ name: String,
        _ arguments: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Command {
        let command = try await run(.name(name), name, arguments, [:])
        try #require(command.isSuccess, "\(command)", sourceLocation: sourceLocation)
        return command
    }

    /// Runs a program of the system, which may fail.
    static func attempt(_ name: String, _ arguments: String...) async throws -> Command {
        try await run(.name(name), name, arguments, [:])
    }

    /// Runs a program of the system, which may fail.
    static func attempt(
        _ name: String,
        _ arguments: [String],
        environment: [String: String]
    ) async throws -> Command {
        try await run(.name(name), name, arguments, environment)
    }

    private static func run(
        _ executable: Executable,
        _ name: String,
        _ arguments: [String],
        _ environment: [String: String]
    ) async throws -> Command {
        let words = [name] + arguments
        return try await within(.seconds(60), words.joined(separator: " ")) {
            let result = try await Subprocess.run(
                executable,
                arguments: Arguments(arguments),
                environment: .inherit(adding: environment),
                output: .string(limit: 16 << 20),
                error: .string(limit: 1 << 20)
            )
            return Command(
                words: words,
                end: ProcessEnd(result.terminationStatus),
                output: result.standardOutput,
                error: result.standardError
            )
        }
    }
}

/// How a process ended.
enum ProcessEnd: Sendable, Hashable {
    /// By itself.
    case code(CInt)
    /// By a signal.
    case signal(CInt)

    init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .code(code)
        case .signaled(let signal): self = .signal(signal)
        }
    }
}

extension Environment {
    /// The tests' own environment, without the settings of whoever runs them, with some variables more.
    static func inherit(adding variables: [String: String]) -> Environment {
        let own = ProcessInfo.processInfo.environment.filter { !isForeign($0.key) }
            .merging(variables) { _, given in given }
        return .custom(
            Dictionary(uniqueKeysWithValues: own.map { (Environment.Key(stringLiteral: $0.key), $0.value) })
        )
    }

    /// Whether a variable is a setting of whoever runs the tests, which servers, PostgreSQL's programs or curl would heed.
    static func isForeign(_ name: String) -> Bool {
        ["WITAN_", "BRAINTRUST_", "PG"].contains(where: name.hasPrefix) || name.lowercased().hasSuffix("_proxy")
    }
}

extension Command {
    /// What it printed, as JSON.
    func json(sourceLocation: SourceLocation = #_sourceLocation) throws -> JSONObject {
        try #require(isSuccess, "\(self)", sourceLocation: sourceLocation)
        return try #require(try JSONParser.parse(Array(output.utf8)).object, sourceLocation: sourceLocation)
    }

    /// Expects that it did its work.
    func expectSuccess(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(isSuccess, "\(self)", sourceLocation: sourceLocation)
        #expect(error.isEmpty, "\(self)", sourceLocation: sourceLocation)
    }

    /// Expects one sentence on standard error, with these parts, that gives nothing away.
    func expectRefusal(
        _ parts: String...,
        code: CInt = 1,
        hiding secrets: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(end == .code(code), "\(self)", sourceLocation: sourceLocation)
        let lines = error.split(separator: "\n")
        #expect(lines.count == 1, "one line: \(error)", sourceLocation: sourceLocation)
        #expect(error.hasPrefix("witan: "), "\(error)", sourceLocation: sourceLocation)
        #expect(
            error.hasSuffix(".\n") || error.hasSuffix("?\n"),
            "a sentence: \(error)",
            sourceLocation: sourceLocation
        )
        for part in parts {
            #expect(error.contains(part), "“\(part)” in: \(error)", sourceLocation: sourceLocation)
        }
        for secret in secrets + ["sk-"] {
            #expect(!error.contains(secret), "a secret in: \(error)", sourceLocation: sourceLocation)
        }
    }
}
