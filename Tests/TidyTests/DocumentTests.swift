import Foundation
import Testing

@Suite("Documents")
struct DocumentTests {
    @Test("The README's table has every setting, in the order of Settings.swift, and nothing else")
    func settingsTable() throws {
        let settings = try declaredSettings()
        let rows = Repository.document("README.md").section("## Settings")
            .filter { $0.text.hasPrefix("| `--") }
            .map { (number: $0.number, cells: cells($0.text)) }
        try #require(
            rows.map { $0.cells[0] } == settings.map { "`--\($0.name)`" },
            "Give each setting its row in the README's table, in the order of Settings.swift."
        )
        for (setting, row) in zip(settings, rows) {
            let variable = "`WITAN_\(setting.name.uppercased().replacingOccurrences(of: "-", with: "_"))`"
            #expect(row.cells.count == 4 && row.cells[1] == variable, "README.md:\(row.number): write \(variable).")
            guard let standard = setting.standard else { continue }
            #expect(row.cells[2] == "`\(standard)`", "README.md:\(row.number): the default is \(standard).")
        }
    }

    @Test("Every dependency has a sentence that says why it is there, and none has one that is not there")
    func dependencies() {
        let manifest = Repository.text(of: "Package.swift").components(separatedBy: "\n")
        let needed = manifest.compactMap { line -> String? in
            guard line.contains(".package(url:"), let url = line.components(separatedBy: "\"").dropFirst().first else {
                return nil
            }
            return url.components(separatedBy: "/").last
        }
        let explained = Repository.document("docs/adr/0002-dependencies.md").section("## Decision")
            .filter { $0.text.hasPrefix("- `") }
        let names = explained.map { $0.text.components(separatedBy: "`")[1] }
        #expect(!needed.isEmpty && Set(names) == Set(needed), "Make docs/adr/0002-dependencies.md fit Package.swift.")
        for (number, text) in explained {
            #expect(text.contains("`: ") && text.hasSuffix("."), "0002-dependencies.md:\(number): write a sentence.")
        }
    }

    @Test("The CHANGELOG has the form of Keep a Changelog, with what is unreleased on top")
    func changelog() {
        Violation.expectNone(changelogViolations(Repository.document("CHANGELOG.md")))
    }

    @Test(
        "What is wrong with a CHANGELOG is found",
        arguments: [
            "# Changelog\n\n## [1.0.0] - 2026-01-31\n", "# Changelog\n\n## [Unreleased]\n\n### News\n",
            "# Changelog\n\n## [Unreleased]\n\n- One.\n",
            "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- no sentence",
            "# Changelog\n\n## [Unreleased]\n\n## 1.0.0\n",
        ]
    )
    func changelogRule(text: String) {
        #expect(!changelogViolations(Document(path: "CHANGELOG.md", text: text)).isEmpty)
    }

    @Test("Decisions are numbered without gaps and each has its four parts")
    func decisions() {
        let decisions = Repository.documents.filter { $0.path.hasPrefix("docs/adr/") }
        for (number, document) in decisions.enumerated() {
            let prefix = String(format: "%04d-", number)
            #expect(document.path.hasPrefix("docs/adr/\(prefix)"), "\(document.path): number it \(prefix).")
            for heading in ["## Context", "## Decision", "## Consequences", "## Alternatives"] {
                let words = document.section(heading).filter { !$0.text.isEmpty }
                #expect(!words.isEmpty, "\(document.path): write a section “\(heading)”.")
            }
        }
    }

    @Test("Links between documents lead somewhere")
    func links() {
        let paths = Set(Repository.files.map(\.path))
        var violations: [Violation] = []
        for document in Repository.documents {
            for (index, line) in document.lines.enumerated() {
                for target in line.components(separatedBy: "](").dropFirst() {
                    let link = target.prefix { $0 != ")" && $0 != "#" }
                    guard !link.isEmpty, !link.contains("://") else { continue }
                    let path = resolved(String(link), from: document.path)
                    guard !paths.contains(path), !paths.contains(where: { $0.hasPrefix(path + "/") }) else { continue }
                    violations.append(Violation(document.path, line: index + 1, "the link to \(link) leads nowhere."))
                }
            }
        }
        Violation.expectNone(violations)
    }

    @Test("What the sources cite as the design of the key service is in its document")
    func citations() {
        let sections = Repository.document("docs/key-service.md").lines.filter { $0.hasPrefix("## ") }
            .compactMap { $0.dropFirst(3).split(separator: ".").first.map(String.init) }
        #expect(!sections.isEmpty)
        let citation = "design: key service, section "
        var violations: [Violation] = []
        for file in Repository.sources where !file.path.hasPrefix("Tests/TidyTests/") {
            for (index, line) in file.comments.enumerated() where line.has(citation) {
                guard let range = line.range(of: citation) else { continue }
                let number = String(line[range.upperBound...].prefix { $0.isNumber })
                guard !sections.contains(number) else { continue }
                violations.append(
                    Violation(file.path, line: index + 1, "docs/key-service.md has no section \(number).")
                )
            }
        }
        Violation.expectNone(violations)
    }

    // MARK: Reading

    /// The names of the settings, in order, and their defaults where they are literals.
    private func declaredSettings() throws -> [(name: String, standard: String?)] {
        let file = try #require(Repository.sources.first { $0.path == "Sources/witan/Settings/Settings.swift" })
        let starts = file.code.indices.filter { file.code[$0].hasPrefix("    static let ") }
        return zip(starts, starts.dropFirst() + [file.code.count])
            .compactMap { start, end -> (name: String, standard: String?)? in
                let names = file.literals[start..<end].compactMap { literals(in: $0).first }
                guard let name = names.first, !file.code[start].contains("static let all:") else { return nil }
                let text = file.lines[start..<end].joined(separator: "\n")
                let parts = text.components(separatedBy: "default: \"")
                return (name, parts.count > 1 ? parts[1].components(separatedBy: "\"")[0] : nil)
            }
    }

    /// A line's first literal: what stands before two blanks, which replace the quotes and what is between literals.
    private func literals(in line: String) -> [String] {
        line.components(separatedBy: "  ").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    private func cells(_ row: String) -> [String] {
        row.components(separatedBy: " | ").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "| ")) }
    }

    private func resolved(_ link: String, from path: String) -> String {
        var parts = path.components(separatedBy: "/").dropLast()
        for part in link.components(separatedBy: "/") where part != "." && !part.isEmpty {
            if part == ".." { parts = parts.dropLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    /// With a capital letter, or with a name in backquotes.
    private func startsSentence(_ text: Substring) -> Bool {
        text.first.map { $0.isUppercase || $0 == "`" } ?? false
    }

    private func changelogViolations(_ document: Document) -> [Violation] {
        let kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"].map { "### \($0)" }
        var violations: [Violation] = []
        var releases = 0
        var isInKind = false
        func complain(_ index: Int, _ advice: String) {
            violations.append(Violation(document.path, line: index + 1, advice))
        }
        for (index, line) in document.lines.enumerated() {
            if index == 0, line != "# Changelog" { complain(index, "begin with “# Changelog”.") }
            if line.hasPrefix("## ") {
                releases += 1
                isInKind = false
                if releases == 1, line != "## [Unreleased]" { complain(index, "begin with “## [Unreleased]”.") }
                let form = #/## \[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}/#
                if releases > 1, line.wholeMatch(of: form) == nil {
                    complain(index, "write “## [1.2.3] - 2026-01-31”.")
                }
            } else if line.hasPrefix("### ") {
                isInKind = kinds.contains(line)
                if !isInKind { complain(index, "use one of \(kinds.joined(separator: ", ")).") }
            } else if line.hasPrefix("- ") {
                if !isInKind { complain(index, "put it under one of \(kinds.joined(separator: ", ")).") }
                if !line.hasSuffix(".") || !startsSentence(line.dropFirst(2)) {
                    complain(index, "write a sentence in the user's words.")
                }
            }
        }
        if releases == 0 { complain(0, "add a heading “## [Unreleased]”.") }
        return violations
    }
}
