import Testing

@Suite("How the rules read Swift")
struct SourceFileTests {
    @Test(
        "Code, comments and the contents of literals are told apart, so that no rule trips over a sentence",
        arguments: [
            ("let a = 1 // try? b", "let a = 1", "// try? b", ""),
            ("a /* b /* c */ d */ e", "a                   e", "/* b /* c */ d */", ""),
            (#"f("a // b", c)"#, #"f("      ", c)"#, "", "a // b"),
            (#"f("a\"b\(c("d") + e)f")"#, #"f("    \(c(" ") + e) ")"#, "", #"a\"b d f"#),
            (##"f(#"a"b\n"#)"##, ##"f(#"     "#)"##, "", #"a"b\n"#),
            (##"f(#"a\(b)\#(c)"#)"##, ##"f(#"     \#(c)"#)"##, "", #"a\(b)"#),
            (#"f("""a"b""")"#, #"f("""   """)"#, "", #"a"b"#),
            ("#if canImport(Glibc)", "#if canImport(Glibc)", "", ""),
        ]
    )
    func separation(text: String, code: String, comment: String, literal: String) {
        let file = SourceFile(path: "Sources/A/A.swift", text: text)
        #expect(trimmed(file.code) == code)
        #expect(trimmed(file.comments) == comment)
        #expect(words(file.literals) == words([literal]))
    }

    @Test("Lines keep their numbers whatever is blank in them")
    func lineNumbers() {
        let text = "let a = \"\"\"\n    SELECT\n    \"\"\"\n/* b\n */\nlet c = 1\n"
        let file = SourceFile(path: "Sources/A/A.swift", text: text)
        #expect(file.lines.count == 7)
        #expect(file.code.count == 7 && file.code[5] == "let c = 1")
        #expect(file.literals.count == 7 && words([file.literals[1]]) == ["SELECT"])
        #expect(file.comments.count == 7 && trimmed([file.comments[3]]) == "/* b")
    }

    private func trimmed(_ lines: [String]) -> String {
        let text = lines.joined(separator: "\n")
        return text.split(separator: " ", omittingEmptySubsequences: false).reversed().drop(while: \.isEmpty).reversed()
            .drop(while: \.isEmpty).joined(separator: " ")
    }

    private func words(_ lines: [String]) -> [String] {
        lines.flatMap { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
    }
}
