import Foundation

/// Takes the lines of a Swift file apart, one after another.
///
/// It knows line and block comments, which nest, string literals of one and of several lines with any number of `#`, and
/// interpolations, which hold code and thus literals again.
struct SourceScanner {
    /// A line's parts; where one of them stands, the others are blank.
    struct Parts {
        var code = ""
        var comment = ""
        var literal = ""
    }

    /// A string literal that is open.
    private struct Literal {
        let pounds: Int
        let isMultiline: Bool
        /// The parentheses that are open in an interpolation of this literal; 0 in the literal itself.
        var parentheses = 0
    }

    /// What is open, each literal inside an interpolation of the one before.
    private var literals: [Literal] = []
    private var commentDepth = 0

    private var bytes: [UInt8] = []
    private var position = 0
    private var code: [UInt8] = []
    private var comment: [UInt8] = []
    private var literal: [UInt8] = []

    /// The parts of the next line.
    mutating func scan(_ line: String) -> Parts {
        // Most lines are code without a literal, or a comment.
        if literals.isEmpty, commentDepth == 0 {
            if !line.has("\""), !line.has("/") { return Parts(code: line) }
            if line.drop(while: { $0 == " " }).hasPrefix("//") { return Parts(comment: line) }
        }
        bytes = Array(line.utf8)
        position = 0
        let blank = [UInt8](repeating: UInt8(ascii: " "), count: bytes.count)
        (code, comment, literal) = (blank, blank, blank)
        while position < bytes.count { scanNext() }
        return Parts(
            code: String(decoding: code, as: UTF8.self),
            comment: String(decoding: comment, as: UTF8.self),
            literal: String(decoding: literal, as: UTF8.self)
        )
    }

    private mutating func scanNext() {
        if commentDepth > 0 {
            scanComment()
        } else if let open = literals.last, open.parentheses == 0 {
            scanLiteral(open)
        } else {
            scanCode()
        }
    }

    private mutating func scanCode() {
        if isNext("//") {
            take(bytes.count - position, as: \.comment)
        } else if isNext("/*") {
            commentDepth = 1
            take(2, as: \.comment)
        } else if isNext("\"") || isNext("#") {
            openLiteral()
        } else {
            if let last = literals.indices.last {
                if isNext("(") { literals[last].parentheses += 1 }
                if isNext(")") { literals[last].parentheses -= 1 }
            }
            take(1, as: \.code)
        }
    }

    private mutating func scanComment() {
        if isNext("/*") {
            commentDepth += 1
            take(2, as: \.comment)
        } else if isNext("*/") {
            commentDepth -= 1
            take(2, as: \.comment)
        } else {
            take(1, as: \.comment)
        }
    }

    private mutating func openLiteral() {
        var pounds = 0
        while isNext("#", after: pounds) { pounds += 1 }
        guard isNext("\"", after: pounds) else { return take(pounds, as: \.code) }
        let isMultiline = isNext("\"\"\"", after: pounds)
        take(pounds + (isMultiline ? 3 : 1), as: \.code)
        literals.append(Literal(pounds: pounds, isMultiline: isMultiline))
    }

    private mutating func scanLiteral(_ open: Literal) {
        let pounds = String(repeating: "#", count: open.pounds)
        let end = (open.isMultiline ? "\"\"\"" : "\"") + pounds
        let escape = "\\" + pounds
        if isNext(end) {
            literals.removeLast()
            take(end.utf8.count, as: \.code)
        } else if isNext(escape + "(") {
            literals[literals.count - 1].parentheses = 1
            take(escape.utf8.count + 1, as: \.code)
        } else if isNext(escape) {
            take(escape.utf8.count + 1, as: \.literal)
        } else {
            take(1, as: \.literal)
        }
    }

    // MARK: Bytes

    private func isNext(_ text: StaticString, after offset: Int = 0) -> Bool {
        let count = text.utf8CodeUnitCount
        guard position + offset + count <= bytes.count else { return false }
        for index in 0..<count where text.utf8Start[index] != bytes[position + offset + index] { return false }
        return true
    }

    private func isNext(_ text: String) -> Bool {
        bytes[position...].starts(with: text.utf8)
    }

    private mutating func take(_ count: Int, as part: WritableKeyPath<SourceScanner, [UInt8]>) {
        for _ in 0..<count where position < bytes.count {
            self[keyPath: part][position] = bytes[position]
            position += 1
        }
    }
}
