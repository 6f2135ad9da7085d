import Foundation
import Testing

@Suite("Declarations")
struct DeclarationTests {
    @Test("Every package declaration says what it promises, as public ones do elsewhere")
    func documentation() {
        Violation.expectNone(Repository.sources.flatMap(undocumented))
    }

    @Test(
        "A declaration without a doc comment is found, whatever stands between",
        arguments: [
            ("package let a: Int", true), ("/// An a.\npackage let a: Int", false),
            ("// An a.\npackage let a: Int", true), ("/// An a.\n@Sendable\npackage func a() {}", false),
            ("@Sendable\npackage func a() {}", true), ("@discardableResult package func a() {}", true),
            ("package import A", false), ("package var description: String { a }", false),
            ("package private(set) var a = 1", true), ("let a: Int", false),
        ]
    )
    func documentationRule(text: String, isFound: Bool) {
        #expect(undocumented(SourceFile(path: "Sources/A/A.swift", text: text)).isEmpty != isFound)
    }

    @Test("A Swift file is named after a type or an extension that it declares, so that names are places")
    func fileNames() {
        var violations: [Violation] = []
        for file in Repository.sources where !isMigration(file) {
            let name = file.name.components(separatedBy: "+")[0]
            // A file of one free function has the function's name.
            let names = [name, name.prefix(1).lowercased() + name.dropFirst()]
            guard !file.code.contains(where: { line in names.contains { declares($0, line) } }) else { continue }
            violations.append(
                Violation(file.path, "name it after a type that it declares, or “Type+Aspect.swift” for an extension.")
            )
        }
        Violation.expectNone(violations)
    }

    @Test("Each resource of the catalog has its file, its tests and its place in the documents")
    func catalog() throws {
        let folder = "Sources/WitanResources/Resources/"
        let declared = Repository.sources.filter { $0.path.hasPrefix(folder) }
        let catalog = try #require(Repository.sources.first { $0.path == "Sources/WitanResources/Catalog.swift" })
        let listed = catalog.code.flatMap { $0.components(separatedBy: CharacterSet(charactersIn: " ,[]")) }
            .filter { $0.hasSuffix(".resource") }
            .map { String($0.dropLast(".resource".count)) }
        #expect(Set(listed) == Set(declared.map(\.name)), "List each file of \(folder) in Catalog.swift.")

        let documented = ["docs/key-service.md", "docs/access-control.md"]
            .flatMap { Repository.document($0).section("## 1. What is served").map(\.text) }
        let tests = Repository.sources.filter { $0.path.hasPrefix("Tests/") }
        #expect(
            tests.contains { $0.module == "WitanHTTPTests" && $0.code.contains { $0.has("Catalog.all") } },
            "Run the resource contract over Catalog.all in WitanHTTPTests."
        )
        var violations: [Violation] = []
        for file in declared {
            let name = resourceName(file) ?? file.name
            let path = name == "audit_log" ? "/v1/organization/audit_logs" : "/v1/\(name)"
            if !documented.contains(where: { $0.contains("`\(path)`") }) {
                violations.append(Violation(file.path, "give \(path) its row in docs/access-control.md, section 1."))
            }
            if !tests.contains(where: { test in test.literals.contains { $0.has(path) } }) {
                violations.append(Violation(file.path, "write a scenario for \(path) in Tests/WitanHTTPTests."))
            }
        }
        Violation.expectNone(violations)
    }

    // MARK: What counts

    private func undocumented(_ file: SourceFile) -> [Violation] {
        file.code.indices.compactMap { index in
            guard file.code[index].has("package ") else { return nil }
            let words = file.code[index].split(separator: " ").drop { $0.hasPrefix("@") }
            guard words.first == "package", words.dropFirst().first != "import", !isExempt(words, file) else {
                return nil
            }
            var above = index - 1
            while above >= 0, file.code[above].drop(while: \.isWhitespace).hasPrefix("@") { above -= 1 }
            guard above < 0 || !file.comments[above].drop(while: \.isWhitespace).hasPrefix("///") else { return nil }
            return Violation(file.path, line: index + 1, "write a doc comment: a sentence, then what it promises.")
        }
    }

    /// What a protocol promises and thus documents, and fields of a resource, whose declaration holds their sentence.
    private func isExempt(_ words: ArraySlice<Substring>, _ file: SourceFile) -> Bool {
        let declaration = words.dropFirst().drop { Self.modifiers.contains($0) }.joined(separator: " ")
        if Self.requirements.contains(where: { declaration.hasPrefix($0) }) { return true }
        return file.path.hasPrefix("Sources/WitanResources/Resources/")
            && declaration.hasPrefix("let ") && !declaration.hasPrefix("let resource")
            && !declaration.hasPrefix("let secretMember")
    }

    private static let modifiers: Set<Substring> = ["static", "mutating", "nonmutating", "override", "final"]

    /// Of `Comparable`, `Equatable`, `Hashable`, `CustomStringConvertible`, `CustomTestStringConvertible`, the
    /// literal and interpolation protocols, Hummingbird's `RequestContext`, and `SQLDatabase`.
    private static let requirements = [
        "func <", "func ==", "func hash(into", "var description:", "var testDescription:", "init(stringLiteral",
        "init(integerLiteral", "init(nilLiteral", "init(arrayLiteral", "init(dictionaryLiteral",
        "init(booleanLiteral", "init(stringInterpolation", "init(literalCapacity", "func appendLiteral",
        "var coreContext:", "init(source:", "func read<Value", "func write<Value",
    ]

    private func isMigration(_ file: SourceFile) -> Bool {
        file.path.hasPrefix("Sources/WitanStorage/Migrations/M0")
    }

    private func declares(_ name: String, _ line: String) -> Bool {
        guard line.has(name) else { return false }
        let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") }
        guard let keyword = words.firstIndex(where: { Self.keywords.contains($0) }), keyword + 1 < words.count else {
            return false
        }
        return words[keyword + 1].split(separator: ".").last.map(String.init) == name
    }

    private static let keywords: Set<Substring> = [
        "struct", "class", "enum", "actor", "protocol", "typealias", "extension", "func",
    ]

    /// The first argument of `Resource(…)`.
    private func resourceName(_ file: SourceFile) -> String? {
        guard let index = file.code.firstIndex(where: { $0.contains("Resource(") }) else { return nil }
        return file.literals[index...].lazy.map { $0.trimmingCharacters(in: .whitespaces) }.first { !$0.isEmpty }
    }
}
