import Testing

@Suite("Imports")
struct ImportTests {
    @Test("A module imports only what the table allows, so that its promises can be read off its imports")
    func table() {
        var violations: [Violation] = []
        for file in Repository.sources {
            for (index, line) in file.code.enumerated() {
                guard line.has("import "), let imported = ImportTable.module(importedBy: line) else { continue }
                if file.path.hasPrefix("Sources/"), ImportTable.allowed[file.module]?.contains(imported) != true {
                    violations.append(
                        Violation(
                            file.path,
                            line: index + 1,
                            """
                            \(file.module) may not import \(imported): use what it may import, or change ImportTable and \
                            docs/adr/0011-import-table.md together.
                            """
                        )
                    )
                }
                if let sole = ImportTable.soleImporters[imported], sole != file.module {
                    violations.append(
                        Violation(file.path, line: index + 1, "only \(sole) may import \(imported): use WitanStorage.")
                    )
                }
            }
        }
        Violation.expectNone(violations)
    }

    @Test("The table has every module and no other")
    func completeness() {
        let modules = Set(Repository.sources.filter { $0.path.hasPrefix("Sources/") }.map(\.module))
        #expect(modules == Set(ImportTable.allowed.keys), "Give each module under Sources a row in ImportTable.")
    }

    @Test(
        "Every form of an import is read",
        arguments: [
            ("import Foundation", "Foundation"), ("package import WitanCore", "WitanCore"),
            ("@testable import WitanJSON", "WitanJSON"), ("import struct Foundation.Data", "Foundation"),
            ("private import class A.B", "A"),
        ]
    )
    func forms(line: String, module: String) {
        #expect(ImportTable.module(importedBy: line) == module)
    }

    @Test("What only mentions an import is not one", arguments: ["let import = 1", "important import", ""])
    func otherLines(line: String) {
        #expect(ImportTable.module(importedBy: line) == nil)
    }
}
