import Foundation
import Testing

@Suite("Documents that name tests")
struct EvidenceTests {
    private static let documents = ["docs/threat-model.md", "docs/asvs.md"]

    @Test("Every test that a document names is there", arguments: documents)
    func named(path: String) {
        let document = Repository.document(path)
        let names = document.lines.flatMap(testNames)
        #expect(names.count > 20, "\(path) names no tests; is it there?")
        Violation.expectNone(violations(in: document))
    }

    @Test(
        "A test that is not there is found, and so is a function that is no test",
        arguments: [
            ("`EvidenceTests.named`", false), ("`EvidenceTests.name`", true), ("`EvidenceTests.testNames`", true),
            ("`NoSuchTests.named`", true), ("`test_http.test_no_such_thing`", true), ("`test_http.request`", true),
            ("`test_http.test_origins`", false), ("`x-bt-org-name`, `RandomSource.system`", false),
        ]
    )
    func namedRule(text: String, isFound: Bool) {
        #expect(violations(in: Document(path: "docs/asvs.md", text: text)).isEmpty != isFound)
    }

    @Test("Every row of the threat model names a test, says that there is none, or that there is nothing to show")
    func threats() {
        var violations: [Violation] = []
        for (number, cells) in rows(of: "docs/threat-model.md") {
            let evidence = cells.last ?? ""
            if cells.count != 3 || (testNames(in: evidence).isEmpty && evidence != "–" && !evidence.contains("nothing"))
            {
                let advice = "write what is tried, what stops it, and `File.function`, “nothing” or “–”."
                violations.append(Violation("docs/threat-model.md", line: number, advice))
            }
        }
        Violation.expectNone(violations)
    }

    @Test("The ASVS page has each requirement once and in order, whether it is met, and a test")
    func requirements() {
        let rows = rows(of: "docs/asvs.md")
        #expect(rows.map { $0.cells[0] } == Self.requirements)
        for (number, cells) in rows {
            #expect(
                cells.count == 5 && ["yes", "in part", "no"].contains(cells[2]) && !testNames(in: cells[4]).isEmpty,
                "docs/asvs.md:\(number): write “yes”, “in part” or “no”, how, and `File.function`."
            )
        }
    }

    /// What an API for keys and access is measured by.
    private static let requirements = [
        "2.4.1", "4.1.3", "6.3.8", "6.5.2", "6.5.3", "7.4.1", "7.4.2", "7.4.5", "8.2.1", "8.2.2", "8.2.3", "8.3.2",
        "8.4.1", "9.1.1", "9.1.2", "9.1.3", "9.2.1", "9.2.2", "9.2.3", "9.2.4", "11.2.2", "11.2.4", "11.5.1", "13.2.1",
        "13.3.1", "13.3.4", "14.2.1", "16.2.1", "16.2.5", "16.3.1", "16.3.2", "16.3.3", "16.4.1", "16.4.2", "16.5.1",
        "16.5.2", "16.5.3",
    ]

    // MARK: Reading

    /// The tests that a text names: `ErrorTests.issues`, `test_http.test_origins`.
    private func testNames(in text: String) -> [(file: String, function: String)] {
        text.matches(of: #/`(\w+Tests|test_\w+)\.(\w+)`/#).map { (String($0.1), String($0.2)) }
    }

    private func violations(in document: Document) -> [Violation] {
        document.lines.enumerated()
            .flatMap { index, line in
                testNames(in: line).filter { !isTest($0.function, in: $0.file) }
                    .map { Violation(document.path, line: index + 1, "there is no test \($0.file).\($0.function).") }
            }
    }

    private func isTest(_ function: String, in file: String) -> Bool {
        let candidates = Repository.files.map(\.path).filter { $0.hasPrefix("Tests/") }
        if candidates.contains(where: { $0.hasSuffix("/\(file).py") && isPythonTest(function, at: $0) }) { return true }
        return Repository.sources.contains { $0.isTest && $0.name == file && isSwiftTest(function, in: $0) }
    }

    private func isPythonTest(_ function: String, at path: String) -> Bool {
        function.hasPrefix("test_") && Repository.text(of: path).contains("\ndef \(function)(")
    }

    /// Whether `@Test` stands between the function and the one before it.
    private func isSwiftTest(_ function: String, in file: SourceFile) -> Bool {
        guard let index = file.code.firstIndex(where: { $0.has("func \(function)(") }) else { return false }
        let before = file.code[..<index]
        let start = before.lastIndex { $0.has("func ") } ?? before.startIndex
        return before[start...].contains { $0.has("@Test") }
    }

    /// The rows of a document's tables, without their headings.
    private func rows(of path: String) -> [(number: Int, cells: [String])] {
        let lines = Repository.document(path).lines
        return lines.indices.dropFirst()
            .filter { lines[$0].hasPrefix("| ") && !lines[$0].hasPrefix("| ---") }
            .filter { !(lines.indices.contains($0 + 1) && lines[$0 + 1].hasPrefix("| ---")) }
            .map { index in
                let cells = lines[index].components(separatedBy: " | ")
                return (index + 1, cells.map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "| ")) })
            }
    }
}
