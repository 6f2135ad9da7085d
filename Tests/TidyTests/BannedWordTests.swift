import Testing

@Suite("Words that do not belong")
struct BannedWordTests {
    @Test("No file has a word that its place forbids", arguments: BannedWord.all)
    func files(rule: BannedWord) {
        Violation.expectNone(Repository.sources.flatMap(rule.violations))
    }

    @Test(
        "Each rule finds what it forbids, and nothing like it",
        arguments: [
            ("print(", "    print(text)", "    fingerprint(text)"),
            ("Date()", "let now = Date()", "let now = UpDate()"),
            ("JSONEncoder", "JSONEncoder().encode(a)", "// JSONEncoder().encode(a)"),
            ("Task {", "Task { await run() }", "group.addTask { await run() }"),
            (".wait()", "future.wait()", "wait()"),
            ("try?", "let a = try? b()", "// Nothing depends on it.\nlet a = try? b()"),
            ("SELECT ", #"let a = "SELECT 1""#, "let a = SELECT + 1"),
            ("public ", "public struct A {}", "case .public(let a)"),
            ("TODO", "// TODO: more", #"let a = "TODO""#),
        ]
    )
    func rules(word: String, forbidden: String, allowed: String) throws {
        let rule = try #require(BannedWord.all.first { $0.words.contains(word) })
        let path = "Sources/WitanHTTP/A.swift"
        #expect(rule.violations(in: SourceFile(path: path, text: forbidden)).count == 1)
        #expect(rule.violations(in: SourceFile(path: path, text: allowed)).isEmpty)
    }

    @Test("What may start a task of its own exists and has a reason")
    func exceptions() {
        let paths = Set(Repository.sources.map(\.path))
        for (path, reason) in BannedWord.unstructuredTasks {
            #expect(paths.contains(path) && reason.hasSuffix("."), "Remove \(path) from the exceptions, or say why.")
        }
    }
}
