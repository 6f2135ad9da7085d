import WitanCore

/// A header field, folded into lines of at most 76 characters where its words allow it (RFC 5322, 2.2.3).
///
/// Free text enters as words of printable ASCII: blanks and control characters only separate them, everything else is
/// encoded (RFC 2047). No text can thus begin a line of its own.
struct HeaderField {
    /// The field's name, a blank before each word, and the CRLF at the end.
    let line: String

    /// A field of words that are right as they are.
    init(_ name: String, words: [String]) {
        var line = "\(name):"
        var column = line.utf8.count
        for (index, word) in words.enumerated() {
            if index > 0, column + 1 + word.utf8.count > Self.lineLength {
                line += "\r\n"
                column = 0
            }
            line += " \(word)"
            column += 1 + word.utf8.count
        }
        self.line = line + "\r\n"
    }

    /// A field of free text, as it is when it is ASCII of ordinary words.
    init(_ name: String, text: String) {
        let words = Self.words(of: text)
        guard !words.allSatisfy(Self.isPlain) else {
            self.init(name, words: words)
            return
        }
        self.init(name, words: Self.encodedWords(words, after: name))
    }

    /// A field with an address, after its name in quotes or encoded.
    init(_ name: String, address: MailAddress) {
        let words = Self.words(of: address.name ?? "")
        let phrase = words.joined(separator: " ")
        guard !phrase.isEmpty else {
            self.init(name, words: [address.address])
            return
        }
        let isQuotable = phrase.utf8.count <= Self.longestPlainWord && words.allSatisfy(Self.isPlain)
        let shown = isQuotable ? [Self.quoted(phrase)] : Self.encodedWords(words, after: name)
        self.init(name, words: shown + ["<\(address.address)>"])
    }

    /// What RFC 2047, section 2, grants a line with an encoded word.
    private static let lineLength = 76

    /// What RFC 2047, section 2, grants an encoded word.
    private static let encodedWordLength = 75

    /// Longer words are encoded, which can be folded.
    private static let longestPlainWord = 60

    private static func words(of text: String) -> [String] {
        text.unicodeScalars.split(whereSeparator: isSeparator).map { String($0) }
    }

    private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: scalar == " "
        }
    }

    /// Whether a word means itself: printable ASCII, and nothing that would be taken for an encoded word.
    private static func isPlain(_ word: String) -> Bool {
        word.utf8.count <= longestPlainWord && word.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            && !word.contains("=?")
    }

    /// A quoted-string (RFC 5322, 3.2.4).
    private static func quoted(_ phrase: String) -> String {
        "\"" + phrase.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// The words in UTF-8 and Base64, no character in two of them; the first has room beside the field's name.
    private static func encodedWords(_ words: [String], after name: String) -> [String] {
        let (prefix, suffix) = ("=?utf-8?B?", "?=")
        func bytes(in length: Int) -> Int {
            (min(length, encodedWordLength) - prefix.utf8.count - suffix.utf8.count) / 4 * 3
        }
        var encoded: [String] = []
        var chunk: [UInt8] = []
        var room = bytes(in: lineLength - name.utf8.count - 2)
        for scalar in words.joined(separator: " ").unicodeScalars {
            let units = Array(String(scalar).utf8)
            if chunk.count + units.count > room {
                encoded.append(prefix + Base64.encode(chunk) + suffix)
                chunk = []
                room = bytes(in: encodedWordLength)
            }
            chunk += units
        }
        return encoded + [prefix + Base64.encode(chunk) + suffix]
    }
}
