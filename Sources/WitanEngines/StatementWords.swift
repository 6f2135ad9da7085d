/// The words of a statement, as far as they tell what its plan is about.
struct StatementWords {
    /// The tables and common table expressions that each name stands for, be it their own or an alias.
    private(set) var sources: [String: Set<String>] = [:]

    /// The words that stand in no parentheses.
    private(set) var outermost: Set<String> = []

    /// Whether it adds rows.
    let isInsertion: Bool

    private struct Word {
        let text: String
        let depth: Int
        let isQuoted: Bool

        /// Whether it may be a name: no sign, and none of the words that follow a table's name.
        var isName: Bool {
            isQuoted || (text.first.map { $0.isLetter || $0 == "_" } == true && !Self.followers.contains(text))
        }

        private static let followers: Set = [
            "AS", "CROSS", "JOIN", "LEFT", "ON", "WHERE", "ORDER", "GROUP", "LIMIT", "UNION", "SET", "FOR", "VALUES",
            "SELECT", "DEFAULT", "RETURNING",
        ]
    }

    /// Reads a statement.
    init(_ statement: String) {
        let words = Self.words(of: statement)
        isInsertion = words.first?.text == "INSERT"
        outermost = Set(words.filter { $0.depth == 0 && !$0.isQuoted }.map(\.text))
        for (index, word) in words.enumerated()
        where !word.isQuoted && ["FROM", "JOIN", "INTO", "UPDATE"].contains(word.text) {
            var rest = words[(index + 1)...]
            guard let name = rest.popFirst(), name.isName else { continue }
            sources[name.text, default: []].insert(name.text)
            if rest.first?.text == "AS" { rest.removeFirst() }
            guard let alias = rest.first, alias.isName else { continue }
            sources[alias.text, default: []].insert(name.text)
        }
    }

    /// The words, the names without their quotes, and signs by themselves; not what is quoted as a text.
    private static func words(of statement: String) -> [Word] {
        var words: [Word] = []
        var depth = 0
        var rest = Substring(statement)
        while let first = rest.first {
            if first.isLetter || first == "_" {
                let text = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                words.append(Word(text: String(text), depth: depth, isQuoted: false))
                rest = rest.dropFirst(text.count)
            } else if first == "'" || first == "\"" {
                let text = rest.dropFirst().prefix { $0 != first }
                if first == "\"" { words.append(Word(text: String(text), depth: depth, isQuoted: true)) }
                rest = rest.dropFirst(text.count + 2)
            } else {
                if first == "(" { depth += 1 }
                if first == ")" { depth -= 1 }
                if !first.isWhitespace { words.append(Word(text: String(first), depth: depth, isQuoted: false)) }
                rest = rest.dropFirst()
            }
        }
        return words
    }
}
