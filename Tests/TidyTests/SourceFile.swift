import Foundation

/// A Swift file, taken apart into code, comments and the contents of string literals.
///
/// Each of the three has all lines of the file; what belongs to the others is blank there. A rule about code thus never
/// trips over a word in a sentence.
struct SourceFile: Sendable {
    let path: String
    let text: String

    /// The lines as they are.
    let lines: [String]

    /// The code; a string literal keeps its quotes, and what is interpolated into it is code.
    let code: [String]

    /// The comments, with the marks that begin and end them.
    let comments: [String]

    /// The contents of string literals.
    let literals: [String]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.components(separatedBy: "\n")
        var scanner = SourceScanner()
        let parts = lines.map { scanner.scan($0) }
        code = parts.map(\.code)
        comments = parts.map(\.comment)
        literals = parts.map(\.literal)
    }

    /// The target: the folder below `Sources` or `Tests`.
    var module: String { path.components(separatedBy: "/").dropFirst().first ?? "" }

    /// Whether it is no part of the server.
    var isTest: Bool { path.hasPrefix("Tests/") || module == "WitanTesting" }

    /// The file's name without its ending.
    var name: String { String((path.components(separatedBy: "/").last ?? "").dropLast(".swift".count)) }

    /// Whether the line above has a comment of its own: the reason for what stands in this one.
    func hasReason(above index: Int) -> Bool {
        guard index > 0 else { return false }
        let line = lines[index - 1].trimmingCharacters(in: .whitespaces)
        return line.hasPrefix("// ") || line.hasPrefix("/// ")
    }
}
