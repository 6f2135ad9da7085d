import Testing

@Suite("Files")
struct FileTests {
    @Test("No file is larger than a megabyte, because everybody fetches it for ever")
    func sizes() {
        let large = Repository.files.filter { $0.bytes > 1 << 20 }
        Violation.expectNone(large.map { Violation($0.path, "is \($0.bytes) bytes large: leave it out, or make it.") })
    }

    @Test("Swift files have no tabs and no white space at the end of a line")
    func whiteSpace() {
        var violations: [Violation] = []
        for file in Repository.sources {
            for (index, line) in file.lines.enumerated() where line.hasSuffix(" ") || line.has("\t") {
                violations.append(Violation(file.path, line: index + 1, "has tabs or trailing spaces: `make format`."))
            }
        }
        Violation.expectNone(violations)
    }

    @Test("Nothing mentions how it came to be or a machine's own paths: the project speaks of itself alone")
    func ownWords() {
        let banned = ["/work/", "issue tracker"]
        var violations: [Violation] = []
        let sources = Repository.sources.filter { !$0.path.hasPrefix("Tests/TidyTests/") }.map { ($0.path, $0.lines) }
        for (path, lines) in sources + Repository.documents.map({ ($0.path, $0.lines) }) {
            for (index, line) in lines.enumerated() {
                guard let word = banned.first(where: line.has) else { continue }
                violations.append(Violation(path, line: index + 1, "“\(word)” says nothing to a reader: leave it out."))
            }
        }
        Violation.expectNone(violations)
    }

    @Test("The repository is found, so that the rules look at something")
    func repository() {
        #expect(Repository.sources.count > 100)
        #expect(Repository.documents.count > 10)
        #expect(Repository.files.contains { $0.path == "LICENSE" })
    }
}
