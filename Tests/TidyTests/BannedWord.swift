import Testing

/// Words that some files must not have, and what to use instead.
struct BannedWord: Sendable, CustomTestStringConvertible {
    /// The part of a file that is looked at.
    enum Place {
        case code, comment, literal
    }

    /// What to look for; a name in it must stand alone, and not be a part of a longer one.
    let words: [String]

    let place: Place

    /// What to do instead.
    let advice: String

    /// Whether a comment on the line above, with the reason, makes it right.
    var isAllowedWithReason = false

    /// Whether a file is looked at.
    let concerns: @Sendable (SourceFile) -> Bool

    var testDescription: String { words.joined(separator: ", ") }

    static let all = [
        BannedWord(
            words: ["print(", "debugPrint(", "dump(", "NSLog("],
            place: .code,
            advice: "log with a Logger; only commands print."
        ) { !$0.isTest && !["witan", "WitanSimulate"].contains($0.module) },
        BannedWord(
            words: ["DateFormatter", "ISO8601DateFormatter", "Date()", "Date.now"],
            place: .code,
            advice: "use Timestamp, and take the time from a TimeSource that is handed in."
        ) { _ in true },
        BannedWord(
            words: ["JSONEncoder", "JSONDecoder", "JSONSerialization"],
            place: .code,
            advice: "use WitanJSON."
        ) { !$0.isTest && $0.module != "WitanEngines" },
        BannedWord(
            words: ["Task {", "Task(", "Task.detached", "Task.immediate"],
            place: .code,
            advice: "use a task group, or a Service that lives as long as the server."
        ) { unstructuredTasks[$0.path] == nil },
        BannedWord(
            words: ["DispatchSemaphore", "Thread.sleep", "usleep(", ".wait()"],
            place: .code,
            advice: "wait with await; a blocked thread stops every task on it."
        ) { _ in true },
        BannedWord(
            words: ["@unchecked Sendable", "nonisolated(unsafe)", "try?", "catch {}", "catch { }"],
            place: .code,
            advice: "write the reason in a comment on the line above, or do without it.",
            isAllowedWithReason: true
        ) { _ in true },
        BannedWord(
            words: ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "],
            place: .literal,
            advice: "put the statement into a store of WitanStorage."
        ) { !$0.isTest && !["WitanStorage", "WitanSQLite", "WitanPostgres", "WitanEngines"].contains($0.module) },
        BannedWord(
            words: [
                "public ", "open class", "open func", "open var", "open override", "open subscript",
            ],
            place: .code,
            advice: "use package, or less: Witan is a program (docs/adr/0013-package-access.md)."
        ) { _ in true },
        BannedWord(
            words: ["TODO", "FIXME", "XXX"],
            place: .comment,
            advice: "finish it, or leave it out."
        ) { _ in true },
    ]

    /// The files that may start a task of their own, each with its reason.
    static let unstructuredTasks = [
        "Sources/WitanFuzz/WitanFuzz.swift": "It runs a check to its end at once, where libFuzzer calls without await."
    ]

    /// The word that a line has, if any.
    func found(in line: String) -> String? {
        words.first { word in
            guard line.has(word) else { return false }
            return line.ranges(of: word)
                .contains { range in
                    guard let first = word.first, first.isLetter, range.lowerBound > line.startIndex else {
                        return true
                    }
                    let before = line[line.index(before: range.lowerBound)]
                    return !(before.isLetter || before.isNumber || before == "_" || before == ".")
                }
        }
    }

    /// The places in a file that break the rule.
    func violations(in file: SourceFile) -> [Violation] {
        guard concerns(file), words.contains(where: file.text.has) else { return [] }
        let lines =
            switch place {
            case .code: file.code
            case .comment: file.comments
            case .literal: file.literals
            }
        return lines.enumerated()
            .compactMap { index, line in
                guard let word = found(in: line), !(isAllowedWithReason && file.hasReason(above: index)) else {
                    return nil
                }
                return Violation(file.path, line: index + 1, "“\(word)” does not belong here: \(advice)")
            }
    }
}
